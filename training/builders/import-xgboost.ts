import { basename } from "node:path";
import { sha256 } from "../../cloudflare/r2.ts";
import { fitCompletion } from "../models/completion.ts";
import { buildPriceGraph } from "../models/price-graph.ts";
import { parseCategoryNames, parseFeatureMap } from "../xgboost/mapping-files.ts";
import type { XgboostModel } from "../xgboost/model.ts";
import { readXgboostModel } from "../xgboost/read-model.ts";
import { createXgboostNodes } from "../xgboost/to-graph.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { type ImportOptions, readText } from "./import-options.ts";
import type { ModelBuilder } from "./model-builder.ts";

/** Creates a builder that converts an XGBoost model. */
export async function createXgboostBuilder(options: ImportOptions, bytes: Uint8Array): Promise<ModelBuilder> {
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
