import { basename } from "node:path";
import { sha256 } from "../../cloudflare/r2.ts";
import type { DatasetStone } from "../data/dataset-stone.ts";
import { parseInputFile } from "../files/read-input-file.ts";
import { fitCompletion } from "../models/completion.ts";
import { gradientBoosting } from "../models/gradient-boosting.ts";
import { buildPriceGraph } from "../models/price-graph.ts";
import { checkCategories, describeAssumptions } from "../xgboost/check/describe-codes.ts";
import { findMisfits } from "../xgboost/check/find-misfits.ts";
import type { DerivedValues } from "../xgboost/check/predict.ts";
import { formatSource, isDerivedColumn } from "../xgboost/features.ts";
import { parseCategoryNames, parseFeatureMap } from "../xgboost/mapping-files.ts";
import type { XgboostModel } from "../xgboost/model.ts";
import { readXgboostModel } from "../xgboost/read-model.ts";
import { createXgboostNodes, type LogTarget, toTarget } from "../xgboost/to-graph.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { computeFeatures } from "./fit.ts";
import { checkImport } from "./import-check.ts";
import { type ImportOptions, readLogTarget } from "./import-options.ts";
import type { ModelBuilder } from "./model-builder.ts";

/**
 * Creates a builder that converts an XGBoost model.
 * @throws UserError if the model is not supported, or if its file does not say what its codes mean
 */
export async function createXgboostBuilder(options: ImportOptions, bytes: Uint8Array): Promise<ModelBuilder> {
  const { file, name, missing, categories, features } = options;
  const log = readLogTarget(options);
  const names = categories === undefined ? {} : await parseInputFile(categories, parseCategoryNames);
  const model = readXgboostModel(bytes, {
    categories: names,
    ...(features !== undefined && { features: await parseInputFile(features, parseFeatureMap) }),
    ...(options.allTrees !== undefined && { allTrees: options.allTrees }),
  });
  checkCategories(model);
  const settings = {
    imported: basename(file),
    sha256: sha256(bytes),
    xgboost: model.version,
    booster: model.booster,
    objective: model.objective,
    target: toTarget(log),
    trees: model.ensemble.trees.length,
    ...(missing !== undefined && { missing }),
    features: model.features.map(formatSource),
    // The categories are settings too: the same file with other categories gives another model.
    categories: Object.fromEntries(model.codes.map(({ column, codes }) => [column, formatCodes(codes)])),
  };
  return {
    name,
    settings,
    notes: [...describeAssumptions(model, names), ...describeChoices(model, options, log)],
    build: async (split, { seed }) => {
      const onnx = buildPriceGraph(
        name,
        fitCompletion(split.train),
        createXgboostNodes(model, { log, missing }),
      );
      const gain = computeGainFractions(model);
      const trained = await evaluateModel(
        { name, bytes: onnx, hyperparameters: settings, fitSeconds: 0, gain, crossFittedPrices: null },
        split,
        seed,
      );
      return checkImport(trained, split, {
        kind: "xgboost",
        force: options.force,
        findFaults: async ({ stones, mae, referenceMae }) => {
          const derived = await computeDerivedValues(model, stones);
          return findMisfits(model, stones, { missing, log, derived, errorRatio: mae / referenceMae });
        },
      });
    },
  };
}

/** Computes the derived features with the graph of gradient-boosting, so that there is one implementation. */
async function computeDerivedValues(
  { features }: XgboostModel,
  stones: readonly DatasetStone[],
): Promise<DerivedValues> {
  const names = features.map(({ column }) => column).filter(isDerivedColumn);
  if (names.length === 0) return {};
  const { columns } = await computeFeatures(gradientBoosting, fitCompletion(stones), stones);
  return Object.fromEntries(
    names.map((name) => [name, columns[gradientBoosting.featureNames.indexOf(name)]!]),
  );
}

/** Describes what was chosen or what the file says, if it is not the usual. */
function describeChoices(
  { objective, link, treeCounts: { best, all } }: XgboostModel,
  { allTrees, missing }: ImportOptions,
  log: LogTarget,
): string[] {
  const notes: string[] = [];
  if (best < all) {
    notes.push(
      allTrees
        ? `all ${all} trees are used, also the ${all - best} after the best iteration`
        : `${best} of ${all} trees are used, up to the best iteration of early stopping, as XGBoost's scikit-learn ` +
            "interface does; --all-trees uses all, as Booster.predict does",
    );
  }
  if (link === "exp")
    notes.push(`the objective ${objective} predicts e to the power of the sum of the trees`);
  if (log !== false) notes.push(`the model's prediction is read as ${toTarget(log)}`);
  if (missing !== undefined) notes.push(`the value ${missing} is a missing value to the model`);
  return notes;
}

/** The names in the order of their codes from 0; else the code of each name. */
function formatCodes(codes: ReadonlyMap<string, number>): string[] | Record<string, number> {
  const names = [...codes].sort(([, a], [, b]) => a - b);
  return names.every(([, code], i) => code === i) ? names.map(([name]) => name) : Object.fromEntries(names);
}

/** Computes each column's fraction of the total gain of the splits; null if the file has no gains. */
function computeGainFractions({ features, ensemble }: XgboostModel): Record<string, number> | null {
  const gains = features.map(() => 0);
  for (const { feature, gain } of ensemble.trees)
    for (const [node, value] of gain.entries()) gains[feature[node]!]! += value;
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  if (!(total > 0)) return null;
  const fractions: Record<string, number> = {};
  // The one-hot features of a grade column count together.
  for (const [i, { column }] of features.entries())
    fractions[column] = (fractions[column] ?? 0) + gains[i]! / total;
  return fractions;
}
