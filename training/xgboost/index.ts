import type { TreeSum } from "../onnx/trees.ts";
import { readKeptCategories } from "./categories.ts";
import { UnsupportedModelError } from "./error.ts";
import { type CategoryNames, columnsOf, encode, type Feature, type FeatureMap } from "./features.ts";
import { type JsonObject, listAt, numberAt, numbersAt, objectAt, textAt, valueAt } from "./fields.ts";
import { parseModelFile } from "./parse.ts";
import { type ReadTree, readTree } from "./tree.ts";

export { UnsupportedModelError } from "./error.ts";
export type { CategoryNames, Feature, FeatureMap } from "./features.ts";
export { xgboostGraph } from "./graph.ts";
export { parseCategoryNames, parseFeatureMap } from "./mapping.ts";

/** Objectives whose prediction is the sum of the trees itself. */
const OBJECTIVES = ["reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror"];

/** Far above any model of nine columns, so that a corrupt number asks for no memory. */
const MOST_FEATURES = 1000;

export interface ReadOptions {
  /** What the category codes stand for, where it is not what the model or the vocabulary says. */
  readonly categories?: CategoryNames;
  /** The model's names of our columns, where they differ. */
  readonly features?: FeatureMap;
  /**
   * Which trees count where training stopped early: those up to the best iteration, as XGBoost's
   * scikit-learn interface predicts (default), or all, as its `Booster.predict` does.
   */
  readonly iterations?: "best" | "all";
}

/** An XGBoost regression model: how to encode a stone, and the trees over that. */
export interface XgboostModel {
  /** Version of the XGBoost that saved it, such as `3.2.0`. */
  readonly version: string;
  readonly booster: "gbtree" | "dart";
  readonly objective: string;
  /** One entry a feature, in the model's order. */
  readonly features: readonly Feature[];
  readonly ensemble: TreeSum & { readonly trees: readonly ReadTree[] };
}

/**
 * Reads a model that XGBoost 1.7 to 3.x saved with `save_model`, JSON or UBJ.
 * @throws UnsupportedModelError naming what is corrupt or not supported
 */
export function readXgboost(bytes: Uint8Array, options: ReadOptions = {}): XgboostModel {
  const file = parseModelFile(bytes);
  const learner = objectAt(file, "learner");
  const version = readVersion(file as JsonObject);
  const objective = textAt(learner, "objective", "name");
  if (!OBJECTIVES.includes(objective)) {
    throw new UnsupportedModelError(
      `the objective ${objective} is not supported; supported are ${OBJECTIVES.join(", ")}`,
    );
  }
  const baseScore = readBaseScore(learner);
  const count = numberAt(learner, ["learner_model_param", "num_feature"]);
  if (!Number.isInteger(count) || count < 1 || count > MOST_FEATURES)
    throw new UnsupportedModelError(`a model of ${count} features is not supported`);
  const { booster, model, weights } = readBooster(learner);
  const features = readFeatures(learner, model, count, options);
  const all = listAt(model, ["trees"]);
  if (weights !== undefined && weights.length !== all.length)
    throw new UnsupportedModelError(
      `the model has ${all.length} trees and ${weights.length} weights for them`,
    );
  const trees = all
    .slice(0, options.iterations === "all" ? all.length : bestTrees(learner, model, all.length))
    .map((tree, i) => readTree(objectAt(tree), count, weights ? Math.fround(weights[i]!) : 1));
  checkCategorical(trees, features);
  return { version, booster, objective, features, ensemble: { baseScore, trees } };
}

function readVersion(file: JsonObject): string {
  const [major = 0, minor = 0, patch = 0] = numbersAt(file, ["version"]);
  const version = `${major}.${minor}.${patch}`;
  if (major > 3) throw new UnsupportedModelError(`XGBoost ${version} is not supported: 1.7 to 3.x are`);
  if (major < 1 || (major === 1 && minor < 7)) {
    throw new UnsupportedModelError(
      `XGBoost ${version} is not supported: load the model in 1.7 or later and save it again`,
    );
  }
  return version;
}

/** The base score: a number as text, since 3.1 as a list of one for each output. */
function readBaseScore(learner: JsonObject): number {
  const outputs = Math.max(
    numberAt(learner, ["learner_model_param", "num_target"], 1),
    numberAt(learner, ["learner_model_param", "num_class"], 0),
  );
  const text = textAt(learner, "learner_model_param", "base_score");
  const scores = text.replace(/^\[|\]$/g, "").split(",");
  if (outputs > 1 || scores.length > 1) {
    throw new UnsupportedModelError("models of several outputs or classes are not supported");
  }
  const score = Math.fround(Number(scores[0]));
  if (scores[0] === "" || !Number.isFinite(score)) {
    throw new UnsupportedModelError(`the base score ${JSON.stringify(text)} is no number`);
  }
  return score;
}

function readBooster(learner: JsonObject): {
  booster: XgboostModel["booster"];
  model: JsonObject;
  /** dart's weight of each tree. */
  weights?: readonly number[];
} {
  const booster = textAt(learner, "gradient_booster", "name");
  if (booster === "gbtree") return { booster, model: objectAt(learner, "gradient_booster", "model") };
  if (booster === "dart") {
    const model = objectAt(learner, "gradient_booster", "gbtree", "model");
    return { booster, model, weights: numbersAt(learner, ["gradient_booster", "weight_drop"]) };
  }
  throw new UnsupportedModelError(`the booster ${booster} is not supported; supported are gbtree and dart`);
}

function readFeatures(
  learner: JsonObject,
  model: JsonObject,
  count: number,
  { categories = {}, features = {} }: ReadOptions,
): Feature[] {
  const names = listAt(learner, ["feature_names"], []).map(String);
  const kept = readKeptCategories(model, count);
  return columnsOf(names, count, features).map((column, i) => encode(column, categories, kept[i]));
}

/** How many trees the best iteration and those before it grew. */
function bestTrees(learner: JsonObject, model: JsonObject, all: number): number {
  const best = valueAt(learner, ["attributes", "best_iteration"]);
  if (best === undefined) return all;
  const parallel = numberAt(model, ["gbtree_model_param", "num_parallel_tree"], 1);
  return Math.min(all, (numberAt(learner, ["attributes", "best_iteration"]) + 1) * parallel);
}

/** Before 3.1 a model does not say which features are categories: only its splits do. */
function checkCategorical(trees: readonly ReadTree[], features: readonly Feature[]): void {
  for (const { categories, feature } of trees) {
    categories.forEach((set, node) => {
      const split = features[feature[node] ?? 0];
      if (set && split && !("codes" in split)) {
        throw new UnsupportedModelError(`the model takes ${split.column} as a category; here it is a number`);
      }
    });
  }
}
