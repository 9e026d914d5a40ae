/**
 * A regression tree, its nodes in arrays; node 0 is the root. A row goes left where `value < threshold`, float32
 * on both sides, and a missing value (NaN) goes left where `defaultLeft` is 1. In a leaf, `left` is -1.
 */
export interface Tree {
  readonly feature: Int32Array;
  readonly threshold: Float32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly defaultLeft: Uint8Array;
  /** Leaf: its weight in the target's units, eta applied. */
  readonly value: Float32Array;
  /** Inner node: what its split took off twice the objective. */
  readonly gain: Float32Array;
  /** Sum of the hessians of the training rows in the node: their number, or their weight. */
  readonly cover: Float32Array;
}

/** Boosted trees: a row's prediction is `baseScore` and the sum of its leaves, one a tree. */
export interface Ensemble {
  readonly baseScore: number;
  /** Number of features that a row has. */
  readonly features: number;
  readonly trees: readonly Tree[];
}

/** Number of leaves of all trees: what the size of an exported model grows with. */
export function countLeaves(ensemble: Ensemble): number {
  let leaves = 0;
  for (const { left } of ensemble.trees) for (const child of left) if (child < 0) leaves++;
  return leaves;
}

/** Total gain of each feature's splits, in shares that sum to 1; all 0 where nothing was split. */
export function gainImportance(ensemble: Ensemble): Float64Array {
  const gains = new Float64Array(ensemble.features);
  for (const { feature, left, gain } of ensemble.trees) {
    for (let node = 0; node < left.length; node++)
      if (left[node]! >= 0) gains[feature[node]!]! += gain[node]!;
  }
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  return total > 0 ? gains.map((gain) => gain / total) : gains;
}
