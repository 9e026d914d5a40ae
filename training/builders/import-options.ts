import { readFile } from "node:fs/promises";
import { UserError } from "../../cloudflare/user-error.ts";

/**
 * A model file that was trained elsewhere. The options after `force` are for XGBoost models only. At most one
 * of `log`, `log1p` and `log10` is true.
 */
export interface ImportOptions {
  readonly file: string;
  /** The model's name in the registry. */
  readonly name: string;
  /** Import a model whose columns, codes or error do not fit the training stones. */
  readonly force?: boolean;
  /** Whether the model predicts the natural logarithm of the price. */
  readonly log?: boolean;
  /** Whether the model predicts the natural logarithm of 1 + price. */
  readonly log1p?: boolean;
  /** Whether the model predicts the decimal logarithm of the price. */
  readonly log10?: boolean;
  /** Use all trees, also those after the best iteration of early stopping. */
  readonly allTrees?: boolean;
  /** The value that the model was trained with as missing, besides NaN. */
  readonly missing?: number;
  /** JSON file with the meaning of the model's category codes. */
  readonly categories?: string;
  /** JSON file that maps the model's feature names to columns of a stone. */
  readonly features?: string;
}

/** The options that only an XGBoost model can have, by their flags. */
const XGBOOST_OPTIONS = {
  "--log": "log",
  "--log1p": "log1p",
  "--log10": "log10",
  "--all-trees": "allTrees",
  "--missing": "missing",
  "--categories": "categories",
  "--features": "features",
} as const;

/** Whether one of the options for XGBoost models is set. */
export function hasXgboostOptions(options: ImportOptions): boolean {
  return Object.values(XGBOOST_OPTIONS).some(
    (name) => options[name] !== undefined && options[name] !== false,
  );
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
