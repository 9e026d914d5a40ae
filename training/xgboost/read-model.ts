import { type CategoryNames, type CodeReading, readCodes } from "./category-codes.ts";
import {
  findValue,
  type JsonObject,
  readList,
  readNumber,
  readNumbers,
  readObject,
  readText,
  readTexts,
} from "./document/json-fields.ts";
import { parseModelFile } from "./document/parse-model-file.ts";
import { cutText, quoteText } from "./document/quote-text.ts";
import {
  createCategoricalNumberError,
  createIndicatorFeature,
  type Feature,
  type FeatureMap,
  findFeatureSources,
  isGradeColumn,
} from "./features.ts";
import type { XgboostModel, XgboostTree } from "./model.ts";
import { readLink, toMargin } from "./objectives.ts";
import { readTree } from "./read-tree.ts";
import { readStoredCategories } from "./stored-categories.ts";
import type { JsonValue } from "./ubjson.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

/**
 * Far more features than a model of nine columns needs. The limit prevents a huge allocation for a corrupt
 * file.
 */
const MAX_FEATURES = 1000;

export interface ReadOptions {
  /** The category names by code. They override the names in the model file and our vocabulary. */
  readonly categories?: CategoryNames;
  /** The columns of features that have other names in the model. */
  readonly features?: FeatureMap;
  /** Use all trees, also those after the best iteration of early stopping. */
  readonly allTrees?: boolean;
}

/**
 * Reads a model that XGBoost 1.7 to 3.x saved with `save_model`, in JSON or UBJ format. If training stopped
 * early, only the trees up to the best iteration are read. XGBoost's scikit-learn interface predicts with
 * the same trees.
 * @throws UnsupportedModelError if the file is corrupt or has an unsupported feature
 */
export function readXgboostModel(bytes: Uint8Array, options: ReadOptions = {}): XgboostModel {
  const file = parseModelFile(bytes);
  const learner = readObject(file, ["learner"]);
  const version = readVersion(file);
  const objective = readText(learner, ["objective", "name"]);
  const link = readLink(objective);
  const baseScore = toMargin(readBaseScore(learner), link);
  const featureCount = readNumber(learner, ["learner_model_param", "num_feature"]);
  if (!Number.isInteger(featureCount) || featureCount < 1 || featureCount > MAX_FEATURES) {
    throw new UnsupportedModelError(
      `the model has ${featureCount} features; supported are 1 to ${MAX_FEATURES}`,
    );
  }
  const { booster, model, treeWeights } = readBooster(learner);
  const allTrees = readList(model, ["trees"]);
  if (treeWeights !== undefined && treeWeights.length !== allTrees.length) {
    throw new UnsupportedModelError(
      `the model has ${allTrees.length} trees but ${treeWeights.length} tree weights`,
    );
  }
  const best = countBestTrees(learner, model, allTrees.length);
  const trees = allTrees
    .slice(0, options.allTrees ? allTrees.length : best)
    .map((tree, i) => readTree(tree, featureCount, treeWeights ? Math.fround(treeWeights[i]!) : 1));
  return {
    version,
    booster,
    objective,
    link,
    ...readFeatures(learner, model, featureCount, trees, options),
    ensemble: { baseScore, trees },
    treeCounts: { best, all: allTrees.length },
  };
}

function readVersion(file: JsonValue): string {
  const [major = 0, minor = 0, patch = 0] = readNumbers(file, ["version"]);
  const version = `${major}.${minor}.${patch}`;
  if (major > 3) {
    throw new UnsupportedModelError(`XGBoost ${version} is not supported; supported are 1.7 to 3.x`);
  }
  if (major < 1 || (major === 1 && minor < 7)) {
    throw new UnsupportedModelError(
      `XGBoost ${version} is not supported; load the model in XGBoost 1.7 or later and save it again`,
    );
  }
  return version;
}

/**
 * Reads the base score. It is a number as text. Since XGBoost 3.1 it is a list with one number per output.
 */
function readBaseScore(learner: JsonObject): number {
  const outputs = Math.max(
    readNumber(learner, ["learner_model_param", "num_target"], 1),
    readNumber(learner, ["learner_model_param", "num_class"], 0),
  );
  const text = readText(learner, ["learner_model_param", "base_score"]);
  const scores = text.replace(/^\[|\]$/g, "").split(",");
  if (outputs > 1 || scores.length > 1) {
    throw new UnsupportedModelError("models with several outputs or classes are not supported");
  }
  const score = Math.fround(Number(scores[0]));
  if (scores[0] === "" || !Number.isFinite(score)) {
    throw new UnsupportedModelError(`the base score must be a number, but is ${quoteText(text)}`);
  }
  return score;
}

function readBooster(learner: JsonObject): {
  booster: XgboostModel["booster"];
  model: JsonObject;
  /** The weight of each tree in a dart booster. */
  treeWeights?: readonly number[];
} {
  const booster = readText(learner, ["gradient_booster", "name"]);
  if (booster === "gbtree") return { booster, model: readObject(learner, ["gradient_booster", "model"]) };
  if (booster === "dart") {
    const model = readObject(learner, ["gradient_booster", "gbtree", "model"]);
    return { booster, model, treeWeights: readNumbers(learner, ["gradient_booster", "weight_drop"]) };
  }
  throw new UnsupportedModelError(
    `the booster ${cutText(booster)} is not supported; supported are gbtree and dart`,
  );
}

function readFeatures(
  learner: JsonObject,
  model: JsonObject,
  featureCount: number,
  trees: readonly XgboostTree[],
  { categories = {}, features: map = {} }: ReadOptions,
): Pick<XgboostModel, "features" | "hasFeatureNames" | "codes"> {
  const names = readTexts(learner, ["feature_names"]);
  const types = readTexts(learner, ["feature_types"]);
  const stored = readStoredCategories(model, featureCount);
  const split = findCategoricalFeatures(trees);
  const codes: (CodeReading & { isCategory: boolean })[] = [];
  const features = findFeatureSources(names, featureCount, map).map((source, i): Feature => {
    // Before XGBoost 3.1 only the splits, and the types if there are any, show that a feature is a category.
    const isCategory = stored[i] !== undefined || split.has(i) || types[i] === "c";
    if ("grade" in source) return createIndicatorFeature(source);
    const { column } = source;
    if (!isGradeColumn(column)) {
      if (stored[i] !== undefined || split.has(i)) throw createCategoricalNumberError(column);
      return { column };
    }
    const reading = readCodes(column, categories[column], stored[i]);
    codes.push({ ...reading, isCategory });
    return { column, codes: reading.codes };
  });
  return { features, hasFeatureNames: names.length > 0 || Object.keys(map).length > 0, codes };
}

/** Counts the trees up to and including the best iteration. Without early stopping these are all trees. */
function countBestTrees(learner: JsonObject, model: JsonObject, treeCount: number): number {
  if (findValue(learner, ["attributes", "best_iteration"]) === undefined) return treeCount;
  const bestIteration = readNumber(learner, ["attributes", "best_iteration"]);
  const treesPerIteration = readNumber(model, ["gbtree_model_param", "num_parallel_tree"], 1);
  const count = (bestIteration + 1) * treesPerIteration;
  if (!Number.isInteger(count) || count < 1) {
    throw new UnsupportedModelError(`the best iteration ${bestIteration} is not a number of a tree`);
  }
  return Math.min(treeCount, count);
}

function findCategoricalFeatures(trees: readonly XgboostTree[]): ReadonlySet<number> {
  const found = new Set<number>();
  for (const { categories, feature } of trees)
    for (const [node, codes] of categories.entries()) if (codes !== undefined) found.add(feature[node]!);
  return found;
}
