/** The folder of an export: made as a whole, and only where no other files are. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { UserError } from "../../cloudflare/user-error.ts";
import { EXPORT_FILES, MLMODEL_FILE } from "../../training/mlflow/export-files.ts";

/**
 * Checks that a folder can be written: it does not exist, is empty, or is an earlier export and nothing else.
 * @throws UserError
 */
export async function checkOutFolder(folder: string): Promise<void> {
  const names = await listNames(folder);
  if (names.length === 0) return;
  const otherName = names.find((name) => !EXPORT_FILES.includes(name));
  if (otherName !== undefined)
    throw new UserError(
      `--out: ${folder} has other files, such as ${otherName}; name a new or empty folder, or an earlier export`,
    );
  if (!(await isExport(folder)))
    throw new UserError(
      `--out: ${folder} is not an export of this command; name a new or empty folder, or an earlier export`,
    );
}

/** Lists the files of a folder; none if it does not exist. */
async function listNames(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    if (error.code === "ENOTDIR") throw new UserError(`--out: ${folder} is a file; it must be a folder`);
    throw error;
  });
}

async function isExport(folder: string): Promise<boolean> {
  try {
    const mlModel: unknown = parse(await readFile(join(folder, MLMODEL_FILE), "utf8"));
    return typeof (mlModel as { metadata: { facet_version: unknown } }).metadata.facet_version === "string";
  } catch {
    return false;
  }
}

/**
 * Writes files as a folder that {@link checkOutFolder} accepts. They are written beside it and moved, so an
 * interruption leaves no folder with some of the files.
 * @throws UserError
 */
export async function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const path = resolve(folder);
  await mkdir(dirname(path), { recursive: true });
  const scratch = await mkdtemp(join(dirname(path), `.${basename(path)}-`));
  try {
    const [complete, earlier] = [join(scratch, "new"), join(scratch, "earlier")];
    await mkdir(complete);
    for (const [name, bytes] of files) await writeFile(join(complete, name), bytes);
    // Again: the files of the model may have been downloaded for minutes.
    await checkOutFolder(folder);
    const isReplaced = (await listNames(folder)).length > 0;
    if (isReplaced) await rename(path, earlier);
    await rename(complete, path).catch(async (error: unknown) => {
      if (isReplaced) await rename(earlier, path);
      throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
