import { UserError } from "../../cloudflare/user-error.ts";
import type { LogTarget } from "../xgboost/to-graph.ts";

/**
 * A model file that was trained elsewhere. At most one of `log`, `log1p`, `log10` and `logPerCarat` is true. The options after
 * `categories` are for one kind of model only.
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
  /** Whether the model predicts the natural logarithm of the price per carat. */
  readonly logPerCarat?: boolean;
  /** JSON file with the meaning of the model's category codes. */
  readonly categories?: string;
  /** XGBoost: use all trees, also those after the best iteration of early stopping. */
  readonly allTrees?: boolean;
  /** XGBoost: the value that the model was trained with as missing, besides NaN. */
  readonly missing?: number;
  /** XGBoost: JSON file that maps the model's feature names to columns of a stone. */
  readonly features?: string;
  /** ONNX: JSON file with the columns of each input. */
  readonly inputs?: string;
}

/** @throws UserError if more than one option says what the model predicts */
export function readLogTarget({ log, log1p, log10, logPerCarat }: ImportOptions): LogTarget {
  if ([log, log1p, log10, logPerCarat].filter(Boolean).length > 1)
    throw new UserError("--log, --log1p, --log10 and --log-per-carat exclude each other");
  if (logPerCarat) return "log per carat";
  if (log1p) return "log1p";
  return log10 ? "log10" : (log ?? false);
}
