import type { RegressionTree, TreeEnsemble } from "../onnx/tree-ensemble.ts";
import type { Feature } from "./features.ts";

/** A tree of an XGBoost model. All its arrays have one entry per node. */
export type XgboostTree = Required<RegressionTree> & {
  /** The gain of each split. It is 0 for leaves, and for all nodes if the file has no gains. */
  readonly gain: readonly number[];
};

/** An XGBoost regression model: the encoding of a stone and the trees over the encoded features. */
export interface XgboostModel {
  /** Version of the XGBoost that saved the file, for example `3.2.0`. */
  readonly version: string;
  readonly booster: "gbtree" | "dart";
  readonly objective: string;
  /** One entry per feature, in the order of the model. */
  readonly features: readonly Feature[];
  readonly ensemble: TreeEnsemble & { readonly trees: readonly XgboostTree[] };
}
