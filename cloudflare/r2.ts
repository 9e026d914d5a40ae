import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "./user-error.ts";
import { BUCKET, type Target, WranglerError, wrangler } from "./wrangler.ts";

const CACHE = join(dirname(fileURLToPath(import.meta.url)), "../node_modules/.cache/facet");

/** A file of the bucket: its key holds the hash of its content, so it is written once and never changed. */
export interface StoredFile {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Prices hang on it: it is read back and compared before the registry names it. */
  readonly verify: boolean;
}

/** A file that the registry names is missing or damaged: another try would find it so again. */
export class UnreadableFileError extends UserError {}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Uploads files in one call, then reads back those that serve and compares: what the registry will name
 * is there and whole.
 */
export async function putVerified(target: Target, files: readonly StoredFile[]): Promise<void> {
  if (files.length === 0) return;
  await withTemporaryFolder(async (folder) => {
    const list = files.map(({ key }, i) => ({ key, file: join(folder, `${i}`) }));
    await Promise.all(files.map(({ bytes }, i) => writeFile(list[i]!.file, bytes)));
    const listPath = join(folder, "files.json");
    await writeFile(listPath, JSON.stringify(list));
    await wrangler(target, ["r2", "bulk", "put", BUCKET, "--filename", listPath]);
    await Promise.all(
      files.map(async ({ key, bytes, verify: served }, i) => {
        if (!served) return;
        const back = await download(target, key, join(folder, `${i}.back`));
        if (sha256(back) !== sha256(bytes)) {
          throw new UserError(`${key}: the stored file differs from what was sent`);
        }
      }),
    );
  });
}

/**
 * Reads a file whose SHA-256 is known; a copy on this machine serves where there is one.
 * @throws UnreadableFile
 */
export async function getVerified(target: Target, key: string, expected: string): Promise<Uint8Array> {
  const path = join(CACHE, expected);
  const cached = await readFile(path).catch(() => null);
  if (cached !== null && sha256(cached) === expected) return cached;
  const bytes = await getStored(target, key, expected);
  await cacheFile(bytes);
  return bytes;
}

/** {@link getVerified} from the bucket itself. */
export async function getStored(target: Target, key: string, expected: string): Promise<Uint8Array> {
  const bytes = await withTemporaryFolder((folder) => download(target, key, join(folder, "object")));
  if (sha256(bytes) !== expected) throw new UnreadableFileError(`${key}: the stored file is damaged`);
  return bytes;
}

/** For `catch`: null where the file is unreadable; other errors go on. */
export function nullIfUnreadable(error: unknown): null {
  if (error instanceof UnreadableFileError) return null;
  throw error;
}

/** Keeps a copy on this machine, by content. */
export async function cacheFile(bytes: Uint8Array): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const path = join(CACHE, sha256(bytes));
  // Renamed into place: a killed run leaves no half-written copy under the final name.
  const partial = `${path}.${process.pid}`;
  await writeFile(partial, bytes);
  await rename(partial, path);
}

async function download(target: Target, key: string, path: string): Promise<Uint8Array> {
  try {
    await wrangler(target, ["r2", "object", "get", `${BUCKET}/${key}`, "--file", path]);
  } catch (error) {
    if (error instanceof WranglerError && /key does not exist/.test(error.output)) {
      throw new UnreadableFileError(`${key}: there is no such file in the bucket`);
    }
    throw error;
  }
  return readFile(path);
}

async function withTemporaryFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "facet-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
