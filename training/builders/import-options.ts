import { readFile } from "node:fs/promises";
import { UserError } from "../../cloudflare/user-error.ts";

/** A model file that was trained elsewhere. The last three options are for XGBoost models only. */
export interface ImportOptions {
  readonly file: string;
  /** The model's name in the registry. */
  readonly name: string;
  /** Whether the model predicts the natural logarithm of the price. */
  readonly log?: boolean;
  /** JSON file with the meaning of the model's category codes. */
  readonly categories?: string;
  /** JSON file that maps the model's feature names to columns of a stone. */
  readonly features?: string;
}

/** @throws UserError that names the file and the reason */
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

export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readInputFile(path));
}
