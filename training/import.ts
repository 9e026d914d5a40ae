import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { assess, type Candidate } from "./candidate.ts";
import { Failure } from "./failure.ts";
import { fitCompletion } from "./models/completion.ts";
import { checkContract } from "./onnx/inspect.ts";
import { priceGraph } from "./price-graph.ts";
import { sha256 } from "./registry/bucket.ts";
import { parseCategoryNames, parseFeatureMap, readXgboost, xgboostGraph } from "./xgboost/index.ts";

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

/** `{` begins an XGBoost model, JSON or UBJ; an ONNX file begins with its version field. */
const OPENING_BRACE = 0x7b;

/**
 * A file as a candidate: an XGBoost model is converted, an ONNX file is checked and taken as it is. It goes
 * through the same measuring, gate and registry as a model that was fitted here.
 * @throws Failure naming what cannot be read or is not supported
 */
export async function imported(options: ImportOptions): Promise<Candidate> {
  const bytes = await readNamed(options.file);
  try {
    return await read(options, bytes);
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.message.startsWith(options.file)) throw cause;
    throw new Failure(`${options.file}: ${cause.message}`, { cause });
  }
}

async function read(options: ImportOptions, bytes: Uint8Array): Promise<Candidate> {
  const { file, name, log } = options;
  const settings = { imported: basename(file), sha256: sha256(bytes) };
  if (bytes[0] !== OPENING_BRACE) {
    if (log || options.categories !== null || options.features !== null) {
      throw new Failure("--log, --categories and --features are for XGBoost models, and this is none");
    }
    await checkContract(bytes);
    return {
      name,
      settings,
      make: (split, { seed }) =>
        assess({ name, bytes, hyperparameters: settings, fitSeconds: 0, gain: null }, split, seed),
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
  };
  return {
    name,
    settings: full,
    make: async (split, { seed }) => {
      const onnx = priceGraph(name, fitCompletion(split.train), (graph, stone) =>
        xgboostGraph(graph, stone, model, { log }),
      );
      return assess({ name, bytes: onnx, hyperparameters: full, fitSeconds: 0, gain: null }, split, seed);
    },
  };
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
    throw new Failure(`${path}: ${why}`, { cause });
  }
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readNamed(path));
}
