import { basename } from "node:path";
import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { checkContract } from "../onnx/check-contract.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { checkImport } from "./import-check.ts";
import { hasXgboostOptions, type ImportOptions, readInputFile } from "./import-options.ts";
import { createXgboostBuilder } from "./import-xgboost.ts";
import type { ModelBuilder } from "./model-builder.ts";

export type { ImportOptions } from "./import-options.ts";

/**
 * Creates a builder that converts an XGBoost model, or checks an ONNX file and takes it unchanged. The model
 * is then evaluated, judged and published like a model that was fitted here.
 * @throws UserError if the file cannot be read or holds a model that is not supported
 */
export async function createImportBuilder(options: ImportOptions): Promise<ModelBuilder> {
  const bytes = await readInputFile(options.file);
  try {
    return await (isXgboost(bytes) ? createXgboostBuilder : createOnnxBuilder)(options, bytes);
  } catch (cause) {
    if (!(cause instanceof UserError) || cause.message.startsWith(options.file)) throw cause;
    throw new UserError(`${options.file}: ${cause.message}`, { cause });
  }
}

/** An XGBoost model starts with `{`, as JSON and as UBJ. An ONNX file starts with its version field. */
function isXgboost(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 100)));
}

async function createOnnxBuilder(options: ImportOptions, bytes: Uint8Array): Promise<ModelBuilder> {
  const { file, name } = options;
  if (hasXgboostOptions(options)) {
    throw new UserError(
      "--log, --categories and --features can only be used with an XGBoost model, and so can --log1p, --log10, " +
        "--missing and --all-trees",
    );
  }
  await checkContract(bytes);
  const settings = { imported: basename(file), sha256: sha256(bytes) };
  return {
    name,
    settings,
    build: async (split, { seed }) => {
      const model = await evaluateModel(
        { name, bytes, hyperparameters: settings, fitSeconds: 0, gain: null, crossFittedPrices: null },
        split,
        seed,
      );
      return checkImport(model, split, options);
    },
  };
}
