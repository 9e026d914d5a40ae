import {
  type CategoryNames,
  createCategoricalNumberError,
  createFeature,
  type Feature,
  type FeatureMap,
  findColumns,
} from "./features.ts";
import {
  findValue,
  type JsonObject,
  readList,
  readNumber,
  readNumbers,
  readObject,
  readText,
} from "./json-fields.ts";
import type { XgboostModel, XgboostTree } from "./model.ts";
import { parseModelFile } from "./parse-model-file.ts";
import { readTree } from "./read-tree.ts";
import { readStoredCategories } from "./stored-categories.ts";
import type { JsonValue } from "./ubjson.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

/** Objectives whose prediction is the sum of the trees without a link function. */
const OBJECTIVES = ["reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror"];

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
  if (!OBJECTIVES.includes(objective)) {
    throw new UnsupportedModelError(
      `the objective ${objective} is not supported; supported are ${OBJECTIVES.join(", ")}`,
    );
  }
  const baseScore = readBaseScore(learner);
  const featureCount = readNumber(learner, ["learner_model_param", "num_feature"]);
  if (!Number.isInteger(featureCount) || featureCount < 1 || featureCount > MAX_FEATURES) {
    throw new UnsupportedModelError(
      `the model has ${featureCount} features; supported are 1 to ${MAX_FEATURES}`,
    );
  }
  const { booster, model, treeWeights } = readBooster(learner);
  const features = readFeatures(learner, model, featureCount, options);
  const allTrees = readList(model, ["trees"]);
  if (treeWeights !== undefined && treeWeights.length !== allTrees.length) {
    throw new UnsupportedModelError(
      `the model has ${allTrees.length} trees but ${treeWeights.length} tree weights`,
    );
  }
  const trees = allTrees
    .slice(0, countBestTrees(learner, model, allTrees.length))
    .map((tree, i) => readTree(tree, featureCount, treeWeights ? Math.fround(treeWeights[i]!) : 1));
  checkCategoricalSplits(trees, features);
  return { version, booster, objective, features, ensemble: { baseScore, trees } };
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
    throw new UnsupportedModelError(`the base score must be a number, but is ${JSON.stringify(text)}`);
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
  throw new UnsupportedModelError(`the booster ${booster} is not supported; supported are gbtree and dart`);
}

function readFeatures(
  learner: JsonObject,
  model: JsonObject,
  featureCount: number,
  { categories = {}, features = {} }: ReadOptions,
): Feature[] {
  const names = readList(learner, ["feature_names"], []).map(String);
  const stored = readStoredCategories(model, featureCount);
  return findColumns(names, featureCount, features).map((column, i) =>
    createFeature(column, categories, stored[i]),
  );
}

/** Counts the trees up to and including the best iteration. Without early stopping these are all trees. */
function countBestTrees(learner: JsonObject, model: JsonObject, treeCount: number): number {
  if (findValue(learner, ["attributes", "best_iteration"]) === undefined) return treeCount;
  const bestIteration = readNumber(learner, ["attributes", "best_iteration"]);
  const treesPerIteration = readNumber(model, ["gbtree_model_param", "num_parallel_tree"], 1);
  return Math.min(treeCount, (bestIteration + 1) * treesPerIteration);
}

/** Before XGBoost 3.1 a file does not say which features are categories. Only its splits show it. */
function checkCategoricalSplits(trees: readonly XgboostTree[], features: readonly Feature[]): void {
  for (const tree of trees) {
    for (const [node, categories] of tree.categories.entries()) {
      const feature = features[tree.feature[node] ?? 0];
      if (categories && feature && !("codes" in feature)) throw createCategoricalNumberError(feature.column);
    }
  }
}
