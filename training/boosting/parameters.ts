/** The parameters of a fit. Names and meanings are XGBoost's, except `huber`. */
export interface BoostingParameters {
  /** Number of trees. */
  readonly rounds: number;
  /** 0 to 15. A tree of depth 0 is a single leaf. */
  readonly maxDepth: number;
  /** Learning rate: the weight of each leaf is multiplied by it. */
  readonly eta: number;
  /** L2 penalty on leaf weights. */
  readonly lambda: number;
  /** L1 penalty on leaf weights. */
  readonly alpha: number;
  /** Minimum gain of a split. */
  readonly gamma: number;
  /** Minimum hessian of a child: its number of rows, or their total weight. */
  readonly minChildWeight: number;
  /** 2 to 256. A feature with missing values gets at most 255 bins. */
  readonly maxBin: number;
  /** Fraction of the rows that each tree is grown on: above 0, at most 1. */
  readonly subsample: number;
  /** Fraction of the features that each tree may split on: above 0, at most 1. */
  readonly colsampleByTree: number;
  /**
   * The prediction before the first tree: a number, or "mean" as in XGBoost 2. XGBoost 1.7 starts from 0.5.
   */
  readonly baseScore: number | "mean";
  /** Huber's loss instead of the squared error; null for squared error only. */
  readonly huber: Huber | null;
  /** Seed of the sampling of rows and features. */
  readonly seed: number;
}

/**
 * Huber's loss. A row whose residual is above `delta` gets the weight `delta / residual` in the next tree.
 * The weights are computed again in each round. Outliers, whose targets the features do not explain, then
 * affect the trees less.
 */
export interface Huber {
  /** In the target's units. */
  readonly delta: number;
  /**
   * Number of rounds with squared error before the first round with Huber's loss. After few trees, a large
   * residual does not yet mean an outlier.
   */
  readonly after: number;
}

/** XGBoost's defaults, with 100 trees. */
export const XGBOOST_DEFAULTS: BoostingParameters = {
  rounds: 100,
  maxDepth: 6,
  eta: 0.3,
  lambda: 1,
  alpha: 0,
  gamma: 0,
  minChildWeight: 1,
  maxBin: 256,
  subsample: 1,
  colsampleByTree: 1,
  baseScore: "mean",
  huber: null,
  seed: 42,
};

/** @throws RangeError that names the invalid parameter and its range */
export function checkParameters(parameters: BoostingParameters): void {
  const { rounds, maxDepth, eta, maxBin, subsample, colsampleByTree, baseScore, huber, seed } = parameters;
  const check = (isValid: boolean, name: keyof BoostingParameters, rule: string) => {
    if (!isValid) throw new RangeError(`${name} must be ${rule}, not ${String(parameters[name])}`);
  };
  check(Number.isInteger(rounds) && rounds >= 0, "rounds", "an integer of at least 0");
  check(Number.isInteger(maxDepth) && maxDepth >= 0 && maxDepth <= 15, "maxDepth", "an integer from 0 to 15");
  check(eta > 0 && Number.isFinite(eta), "eta", "above 0");
  for (const name of ["lambda", "alpha", "gamma", "minChildWeight"] as const) {
    check(parameters[name] >= 0, name, "at least 0");
  }
  check(Number.isInteger(maxBin) && maxBin >= 2 && maxBin <= 256, "maxBin", "an integer from 2 to 256");
  check(subsample > 0 && subsample <= 1, "subsample", "above 0 and at most 1");
  check(colsampleByTree > 0 && colsampleByTree <= 1, "colsampleByTree", "above 0 and at most 1");
  check(baseScore === "mean" || Number.isFinite(baseScore), "baseScore", '"mean" or a finite number');
  if (huber !== null && !(huber.delta > 0)) {
    throw new RangeError(`huber.delta must be above 0, not ${huber.delta}`);
  }
  if (huber !== null && !(Number.isInteger(huber.after) && huber.after >= 0)) {
    throw new RangeError(`huber.after must be an integer of at least 0, not ${huber.after}`);
  }
  check(Number.isInteger(seed), "seed", "an integer");
}
