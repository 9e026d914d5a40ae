import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { fitCompletion } from "../models/completion.ts";
import { priceGraph } from "../models/price-graph.ts";
import { checkContract } from "../onnx/inspect.ts";
import {
  parseCategoryNames,
  parseFeatureMap,
  readXgboost,
  type XgboostModel,
  xgboostGraph,
} from "../xgboost/index.ts";
import { evaluateModel, type ModelBuilder } from "./model-builder.ts";

/** A model that was trained elsewhere. */
export interface ImportOptions {
  readonly file: string;
  /** Its name in the registry. */
  readonly name: string;
  /** The XGBoost model predicts log price. */
  readonly log: boolean;
  /** JSON file that says what the category codes of an XGBoost model stand for. */
  readonly categories: string | null;
  /** JSON file that names our columns for the features of an XGBoost model. */
  readonly features: string | null;
}

/**
 * A file as a candidate: an XGBoost model is converted, an ONNX file is checked and taken as it is. It goes
 * through the same measuring, gate and registry as a model that was fitted here.
 * @throws Failure naming what cannot be read or is not supported
 */
export async function createImportBuilder(options: ImportOptions): Promise<ModelBuilder> {
  const bytes = await readNamed(options.file);
  try {
    return await read(options, bytes);
  } catch (cause) {
    if (!(cause instanceof UserError) || cause.message.startsWith(options.file)) throw cause;
    throw new UserError(`${options.file}: ${cause.message}`, { cause });
  }
}

async function read(options: ImportOptions, bytes: Uint8Array): Promise<ModelBuilder> {
  const { file, name, log } = options;
  const settings = { imported: basename(file), sha256: sha256(bytes) };
  if (!isXgboost(bytes)) {
    if (log || options.categories !== null || options.features !== null) {
      throw new UserError("--log, --categories and --features are for XGBoost models, and this is none");
    }
    await checkContract(bytes);
    return {
      name,
      settings,
      build: (split, { seed }) =>
        evaluateModel({ name, bytes, hyperparameters: settings, fitSeconds: 0, gain: null }, split, seed),
    };
  }

  const model = readXgboost(bytes, {
    ...(options.categories && { categories: parseCategoryNames(await readText(options.categories)) }),
    ...(options.features && { features: parseFeatureMap(await readText(options.features)) }),
  });
  const { version, booster, objective } = model;
  const full = {
    ...settings,
    xgboost: version,
    booster,
    objective,
    target: log ? "log price" : "price",
    trees: model.ensemble.trees.length,
    features: model.features.map(({ column }) => column),
    // By code: read with others it is another model.
    categories: Object.fromEntries(
      model.features.flatMap((feature) =>
        "codes" in feature ? [[feature.column, byCode(feature.codes)]] : [],
      ),
    ),
  };
  return {
    name,
    settings: full,
    build: async (split, { seed }) => {
      const onnx = priceGraph(name, fitCompletion(split.train), (graph, stone) =>
        xgboostGraph(graph, stone, model, { log }),
      );
      const gain = gainOf(model);
      return evaluateModel({ name, bytes: onnx, hyperparameters: full, fitSeconds: 0, gain }, split, seed);
    },
  };
}

/** `{` begins an XGBoost model, JSON or UBJ; an ONNX file begins with its version field. */
function isXgboost(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 100)));
}

/** The grades in the order of their codes. */
function byCode(codes: ReadonlyMap<string, number>): string[] {
  return [...codes].sort(([, a], [, b]) => a - b).map(([grade]) => grade);
}

/** Each column's share in what the splits gained; null where the file does not say. */
function gainOf({ features, ensemble: { trees } }: XgboostModel): Record<string, number> | null {
  const gains = features.map(() => 0);
  for (const { feature, gain } of trees)
    for (const [node, value] of gain.entries()) gains[feature[node]!]! += value;
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  if (!(total > 0)) return null;
  return Object.fromEntries(features.map(({ column }, i) => [column, gains[i]! / total]));
}

async function readNamed(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : null;
    const why =
      code === "ENOENT"
        ? "there is no such file"
        : code === "EISDIR"
          ? "this is not a file"
          : "cannot be read";
    throw new UserError(`${path}: ${why}`, { cause });
  }
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readNamed(path));
}
