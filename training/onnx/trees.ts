import type { Graph, Value } from "./graph.ts";
import { doubleTensor, floatTensor } from "./tensor.ts";
import { TreeLayout } from "./tree-layout.ts";

/** A regression tree as parallel arrays, one entry a node; node 0 is the root, a leaf has left -1. */
export interface TreeNodes {
  readonly feature: ArrayLike<number>;
  /** A value below it goes left. Compared as float32, like the features. */
  readonly threshold: ArrayLike<number>;
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  /** 1 where a missing value (NaN) goes left. */
  readonly defaultLeft: ArrayLike<number>;
  /** What a leaf adds to the sum. */
  readonly value: ArrayLike<number>;
  /**
   * For a node that splits on categories, the codes that go right, each 0 to 30; any other goes left.
   * Undefined for a node that compares with its threshold.
   */
  readonly categories?: readonly (readonly number[] | undefined)[];
}

export interface TreeSum {
  readonly baseScore: number;
  readonly trees: readonly TreeNodes[];
}

export interface TreeOptions {
  /**
   * The type in which leaves are summed. `float`, the default, adds the base score and then tree after
   * tree, as XGBoost does, to the same bit. `double` agrees with a reference that sums in float64.
   */
  readonly precision?: "float" | "double";
}

/**
 * Adds the sum of a tree ensemble, base score included: features float [N, F] to float [N].
 * @throws RangeError where a branch leads to a node that its tree does not have, or a category is
 * not a whole number from 0 to 30.
 */
export function trees(
  graph: Graph,
  features: Value,
  ensemble: TreeSum,
  { precision = "float" }: TreeOptions = {},
): Value {
  const layout = new TreeLayout();
  layout.addLeaf(ensemble.baseScore);
  for (const tree of ensemble.trees) layout.addTree(tree);
  const sum = graph.op(
    "TreeEnsemble",
    [graph.cast(features, precision)],
    layout.attributes(precision === "float" ? floatTensor : doubleTensor),
    { domain: "ai.onnx.ml", type: precision },
  );
  return graph.cast(graph.squeeze(sum, 1), "float");
}
