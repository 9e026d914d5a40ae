/** A regression tree as parallel arrays with one entry per node. Node 0 is the root. A leaf has left -1. */
export interface RegressionTree {
  readonly feature: ArrayLike<number>;
  /** A value below the threshold goes left. Both are compared as float32. */
  readonly threshold: ArrayLike<number>;
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  /** 1 if a missing value (NaN) goes left. */
  readonly defaultLeft: ArrayLike<number>;
  /** The amount that a leaf adds to the sum. */
  readonly value: ArrayLike<number>;
  /**
   * The category codes (0 to 30) that go right, for a node that splits on categories. All other codes go
   * left. The entry is undefined for a node that compares with its threshold.
   */
  readonly categories?: readonly (readonly number[] | undefined)[];
}

/** Trees whose sum, plus the base score, is the prediction. */
export interface TreeEnsemble {
  readonly baseScore: number;
  readonly trees: readonly RegressionTree[];
}
