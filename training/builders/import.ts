import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { fitCompletion } from "../models/completion.ts";
import { buildPriceGraph } from "../models/price-graph.ts";
import { checkContract } from "../onnx/check-contract.ts";
import { parseCategoryNames, parseFeatureMap } from "../xgboost/mapping-files.ts";
import type { XgboostModel } from "../xgboost/model.ts";
import { readXgboostModel } from "../xgboost/read-model.ts";
import { createXgboostNodes } from "../xgboost/to-graph.ts";
import { evaluateModel } from "./evaluate-model.ts";
import type { ModelBuilder } from "./model-builder.ts";

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
  if (options.log || options.categories !== undefined || options.features !== undefined) {
    throw new UserError("--log, --categories and --features can only be used with an XGBoost model");
  }
  await checkContract(bytes);
  const settings = { imported: basename(file), sha256: sha256(bytes) };
  return {
    name,
    settings,
    build: (split, { seed }) =>
      evaluateModel(
        { name, bytes, hyperparameters: settings, fitSeconds: 0, gain: null, crossFittedPrices: null },
        split,
        seed,
      ),
  };
}

async function createXgboostBuilder(options: ImportOptions, bytes: Uint8Array): Promise<ModelBuilder> {
  const { file, name, log = false, categories, features } = options;
  const model = readXgboostModel(bytes, {
    ...(categories !== undefined && { categories: parseCategoryNames(await readText(categories)) }),
    ...(features !== undefined && { features: parseFeatureMap(await readText(features)) }),
  });
  const settings = {
    imported: basename(file),
    sha256: sha256(bytes),
    xgboost: model.version,
    booster: model.booster,
    objective: model.objective,
    target: log ? "log price" : "price",
    trees: model.ensemble.trees.length,
    features: model.features.map(({ column }) => column),
    // The categories are settings too: the same file with other categories gives another model.
    categories: Object.fromEntries(
      model.features.flatMap((feature) =>
        "codes" in feature ? [[feature.column, sortByCode(feature.codes)]] : [],
      ),
    ),
  };
  return {
    name,
    settings,
    build: async (split, { seed }) => {
      const onnx = buildPriceGraph(name, fitCompletion(split.train), createXgboostNodes(model, { log }));
      const gain = computeGainFractions(model);
      return evaluateModel(
        {
          name,
          bytes: onnx,
          hyperparameters: settings,
          fitSeconds: 0,
          gain,
          crossFittedPrices: null,
        },
        split,
        seed,
      );
    },
  };
}

function sortByCode(codes: ReadonlyMap<string, number>): string[] {
  return [...codes].sort(([, a], [, b]) => a - b).map(([grade]) => grade);
}

/** Computes each column's fraction of the total gain of the splits; null if the file has no gains. */
function computeGainFractions({ features, ensemble }: XgboostModel): Record<string, number> | null {
  const gains = features.map(() => 0);
  for (const { feature, gain } of ensemble.trees)
    for (const [node, value] of gain.entries()) gains[feature[node]!]! += value;
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  if (!(total > 0)) return null;
  return Object.fromEntries(features.map(({ column }, i) => [column, gains[i]! / total]));
}

async function readInputFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : null;
    const reason =
      code === "ENOENT" ? "no such file" : code === "EISDIR" ? "not a file" : "the file cannot be read";
    throw new UserError(`${path}: ${reason}`, { cause });
  }
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readInputFile(path));
}
