import { UserError } from "../../cloudflare/user-error.ts";
import { recognizeFormat } from "../files/file-format.ts";
import { describeForeignModel } from "../files/foreign-model.ts";
import { readInputFile } from "../files/read-input-file.ts";
import { unpackGzip } from "../files/unpack.ts";
import { createOnnxBuilder } from "./import-onnx.ts";
import type { ImportOptions } from "./import-options.ts";
import { createXgboostBuilder } from "./import-xgboost.ts";
import type { ModelBuilder } from "./model-builder.ts";

export type { ImportOptions } from "./import-options.ts";

/**
 * Creates a builder that converts an XGBoost model, or adapts an ONNX file. The model is then evaluated, judged
 * and published like a model that was fitted here.
 * @throws UserError if the file cannot be read or holds a model that is not supported
 */
export async function createImportBuilder(options: ImportOptions): Promise<ModelBuilder> {
  const file = await readInputFile(options.file);
  try {
    const bytes = (await recognizeFormat(file)) === "gzip" ? unpackGzip(file) : file;
    const foreign = await describeForeignModel(bytes);
    if (foreign !== null) throw new UserError(foreign);
    if (options.inputs !== undefined && isXgboost(bytes))
      throw new UserError("--inputs is for ONNX models; --features maps the features of an XGBoost model");
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
