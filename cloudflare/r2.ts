import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "./temporary-folder.ts";
import { UserError } from "./user-error.ts";
import { BUCKET } from "./worker-config.ts";
import { REPOSITORY_ROOT, runWranglerOn, type Target, WranglerError } from "./wrangler.ts";

/** Copies of downloaded files. The name of a copy is the SHA-256 of its content. */
const CACHE_FOLDER = join(REPOSITORY_ROOT, "node_modules/.cache/facet");

/** A file of the bucket. Its key contains the hash of its content, so a stored file never changes. */
export interface StoredFile {
  readonly key: string;
  readonly bytes: Uint8Array;
  /**
   * Read the file back after the upload and compare it: for files that the Worker or the trainer depend on.
   */
  readonly verify: boolean;
}

/** A file that the registry names is missing or damaged. A retry would not help. */
export class UnreadableFileError extends UserError {}

/** The SHA-256 in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Uploads files with one call of wrangler, then reads back those with `verify` and compares them. The caller
 * writes registry rows afterwards, so a row never names a missing or damaged file.
 * @throws UserError if a stored file differs from the uploaded one
 */
export async function uploadFiles(target: Target, files: readonly StoredFile[]): Promise<void> {
  if (files.length === 0) return;
  await withTemporaryFolder(async (folder) => {
    const list = files.map(({ key }, i) => ({ key, file: join(folder, `${i}`) }));
    await Promise.all(files.map(({ bytes }, i) => writeFile(list[i]!.file, bytes)));
    const listPath = join(folder, "files.json");
    await writeFile(listPath, JSON.stringify(list));
    await runWranglerOn(target, ["r2", "bulk", "put", BUCKET, "--filename", listPath]);
    await Promise.all(
      files.map(async ({ key, bytes, verify }, i) => {
        if (!verify) return;
        const stored = await downloadObject(target, key, join(folder, `${i}.stored`));
        if (sha256(stored) !== sha256(bytes)) {
          throw new UserError(`${key}: the stored file differs from the uploaded file`);
        }
      }),
    );
  });
}

/**
 * Downloads a file, or reads the copy that an earlier download has left on this machine.
 * @throws UnreadableFileError
 */
export async function downloadFileCached(
  target: Target,
  key: string,
  expectedSha256: string,
): Promise<Uint8Array> {
  const cached = await readFile(join(CACHE_FOLDER, expectedSha256)).catch(() => null);
  if (cached !== null && sha256(cached) === expectedSha256) return cached;
  const bytes = await downloadFile(target, key, expectedSha256);
  await cacheFile(bytes);
  return bytes;
}

/**
 * Downloads a file from the bucket and compares its hash.
 * @throws UnreadableFileError
 */
export async function downloadFile(target: Target, key: string, expectedSha256: string): Promise<Uint8Array> {
  const bytes = await withTemporaryFolder((folder) => downloadObject(target, key, join(folder, "object")));
  if (sha256(bytes) !== expectedSha256) throw new UnreadableFileError(`${key}: the stored file is damaged`);
  return bytes;
}

/** For `catch`: returns null for an {@link UnreadableFileError}, and throws other errors again. */
export function ignoreUnreadableFile(error: unknown): null {
  if (error instanceof UnreadableFileError) return null;
  throw error;
}

/** Keeps a copy of a file on this machine for {@link downloadFileCached}. */
export async function cacheFile(bytes: Uint8Array): Promise<void> {
  await mkdir(CACHE_FOLDER, { recursive: true });
  const path = join(CACHE_FOLDER, sha256(bytes));
  // The rename is atomic: if the process is killed, no incomplete copy has the final name.
  const incompletePath = `${path}.${process.pid}`;
  await writeFile(incompletePath, bytes);
  await rename(incompletePath, path);
}

async function downloadObject(target: Target, key: string, path: string): Promise<Uint8Array> {
  try {
    await runWranglerOn(target, ["r2", "object", "get", `${BUCKET}/${key}`, "--file", path]);
  } catch (error) {
    if (error instanceof WranglerError && /key does not exist/.test(error.output)) {
      throw new UnreadableFileError(`${key}: there is no such file in the bucket`);
    }
    throw error;
  }
  return readFile(path);
}
