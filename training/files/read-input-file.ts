import { readFile } from "node:fs/promises";
import { UserError } from "../../cloudflare/user-error.ts";

/**
 * Reads a file that the command line names.
 * @throws UserError with the path if it cannot be read
 */
export async function readInputFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : null;
    const reason =
      code === "ENOENT" ? "no such file" : code === "EISDIR" ? "not a file" : "the file cannot be read";
    throw new UserError(`${path}: ${reason}`, { cause });
  }
}

/** Reads a file as UTF-8 text; see {@link readInputFile}. */
export async function readInputText(path: string): Promise<string> {
  return new TextDecoder().decode(await readInputFile(path));
}

/**
 * Reads a text file and parses it.
 * @throws UserError that names the file
 */
export async function parseInputFile<T>(path: string, parse: (text: string) => T): Promise<T> {
  const text = await readInputText(path);
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(`${path}: ${cause.message}`, { cause });
  }
}
