import type { RegressionTree, TreeEnsemble } from "../onnx/tree-ensemble.ts";
import type { CodeReading } from "./category-codes.ts";
import type { Feature } from "./features.ts";
import type { Link } from "./objectives.ts";

/** A tree of an XGBoost model. All its arrays have one entry per node. */
export type XgboostTree = Required<RegressionTree> & {
  /** The gain of each split. It is 0 for leaves, and for all nodes if the file has no gains. */
  readonly gain: readonly number[];
  /** The sum of the second derivatives of the loss over the training rows of each node; NaN if unknown. */
  readonly cover: readonly number[];
};

/** An XGBoost regression model: the encoding of a stone and the trees over the encoded features. */
export interface XgboostModel {
  /** Version of the XGBoost that saved the file, for example `3.2.0`. */
  readonly version: string;
  readonly booster: "gbtree" | "dart";
  readonly objective: string;
  /** The function of the sum that gives the prediction. */
  readonly link: Link;
  /** One entry per feature, in the order of the model. */
  readonly features: readonly Feature[];
  /** Whether the file has the names of its features, or the caller gave them. Otherwise the order is assumed. */
  readonly hasFeatureNames: boolean;
  /** The codes of each feature that has codes of grades, and whether the model uses them as categories. */
  readonly codes: readonly (CodeReading & { readonly isCategory: boolean })[];
  readonly ensemble: Omit<TreeEnsemble, "trees"> & { readonly trees: readonly XgboostTree[] };
  /** The trees of the file up to the best iteration, and all of them. They differ after early stopping. */
  readonly treeCounts: { readonly best: number; readonly all: number };
}
