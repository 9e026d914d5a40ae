/**
 * A regression tree. Its nodes are entries of parallel arrays; node 0 is the root. A row goes left if
 * `value < threshold`, both float32. A missing value (NaN) goes left if `defaultLeft` is 1. The `left` of a
 * leaf is -1.
 */
export interface Tree {
  readonly feature: Int32Array;
  readonly threshold: Float32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly defaultLeft: Uint8Array;
  /** The weight of each leaf in the target's units, already multiplied by eta; 0 for an inner node. */
  readonly value: Float32Array;
  /** The amount by which the split of an inner node lowers twice the objective; 0 for a leaf. */
  readonly gain: Float32Array;
  /** Sum of the hessians of the node's training rows: their number, or their total weight. */
  readonly cover: Float32Array;
}

/** Boosted trees. The prediction of a row is `baseScore` plus the value of one leaf of each tree. */
export interface Ensemble {
  readonly baseScore: number;
  readonly featureCount: number;
  readonly trees: readonly Tree[];
}

/**
 * Computes each feature's fraction of the total gain. The fractions sum to 1; all are 0 if no tree has a
 * split.
 */
export function computeGainImportance(ensemble: Ensemble): Float64Array {
  const gains = new Float64Array(ensemble.featureCount);
  for (const { feature, left, gain } of ensemble.trees) {
    for (let node = 0; node < left.length; node++)
      if (left[node]! >= 0) gains[feature[node]!]! += gain[node]!;
  }
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  return total > 0 ? gains.map((gain) => gain / total) : gains;
}
