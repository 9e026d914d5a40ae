/** What the learner is told; names and meanings are XGBoost's. */
export interface BoostingParameters {
  /** Number of trees. */
  readonly rounds: number;
  /** 0 to 15; 0 grows single leaves. */
  readonly maxDepth: number;
  /** Learning rate: each leaf's weight is multiplied by it. */
  readonly eta: number;
  /** L2 and L1 penalty on leaf weights. */
  readonly lambda: number;
  readonly alpha: number;
  /** Least gain of a split. */
  readonly gamma: number;
  /** Least hessian of a child: its number of rows, or its sum of weights where rows are weighted. */
  readonly minChildWeight: number;
  /** 2 to 256; a feature with missing values gets at most 255 bins. */
  readonly maxBin: number;
  /** Share of rows, and of features, that each tree sees: above 0, at most 1. */
  readonly subsample: number;
  readonly colsampleByTree: number;
  /** Where boosting starts: a number, or "mean" (XGBoost 2+ for squared error); XGBoost 1.7's is 0.5. */
  readonly baseScore: number | "mean";
  /** Per feature 1 (never falls as the feature grows), -1 (never rises) or 0; empty is all 0. */
  readonly monotone: readonly number[];
  /** Huber's loss instead of the squared error, from a round on; null is none. Not of XGBoost. */
  readonly huber: Huber | null;
  /** Of row and feature sampling. */
  readonly seed: number;
}

/**
 * A row whose residual is above `delta`, in the target's units, counts `delta / residual` in the next tree: Huber's
 * loss, by weights that are made anew in each round. Stones whose price no feature explains pull less at the others.
 */
export interface Huber {
  readonly delta: number;
  /** Rounds before: while residuals are those of few trees, a large one says nothing. */
  readonly after: number;
}

/** XGBoost's own defaults, with the notebook's number of trees. */
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
  monotone: [],
  huber: null,
  seed: 42,
};

/** @throws RangeError naming the parameter that is out of range and what it may be. */
export function checkParameters(parameters: BoostingParameters, features: number): void {
  const { rounds, maxDepth, eta, maxBin, subsample, colsampleByTree, baseScore } = parameters;
  const { monotone, huber, seed } = parameters;
  const require = (holds: boolean, name: keyof BoostingParameters, rule: string) => {
    if (!holds) throw new RangeError(`${name} must be ${rule}, not ${String(parameters[name])}`);
  };
  require(Number.isInteger(rounds) && rounds >= 0, "rounds", "a whole number from 0");
  require(Number.isInteger(maxDepth) &&
    maxDepth >= 0 &&
    maxDepth <= 15, "maxDepth", "a whole number from 0 to 15");
  require(eta > 0 && Number.isFinite(eta), "eta", "above 0");
  for (const name of ["lambda", "alpha", "gamma", "minChildWeight"] as const) {
    require(parameters[name] >= 0, name, "at least 0");
  }
  require(Number.isInteger(maxBin) && maxBin >= 2 && maxBin <= 256, "maxBin", "a whole number from 2 to 256");
  require(subsample > 0 && subsample <= 1, "subsample", "above 0 and at most 1");
  require(colsampleByTree > 0 && colsampleByTree <= 1, "colsampleByTree", "above 0 and at most 1");
  require(baseScore === "mean" || Number.isFinite(baseScore), "baseScore", '"mean" or a finite number');
  require(monotone.length === 0 || monotone.length === features, "monotone", `empty or ${features} long`);
  require(monotone.every(
    (sign) => Math.abs(sign) <= 1 && Number.isInteger(sign),
  ), "monotone", "of -1, 0 and 1");
  if (huber !== null && !(huber.delta > 0 && Number.isInteger(huber.after) && huber.after >= 0)) {
    throw new RangeError("huber must be null, or have a delta above 0 and whole rounds to come after");
  }
  require(Number.isInteger(seed), "seed", "a whole number");
}
