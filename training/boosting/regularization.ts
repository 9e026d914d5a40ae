/** The penalties of the objective: what a leaf's weight costs. */
export interface Penalties {
  readonly lambda: number;
  readonly alpha: number;
}

/** XGBoost's `ThresholdL1`: the gradient, moved towards 0 by alpha. */
function shrink(gradient: number, alpha: number): number {
  if (gradient > alpha) return gradient - alpha;
  if (gradient < -alpha) return gradient + alpha;
  return 0;
}

/** The best weight of a leaf, in the target's units, float32 as XGBoost keeps it. */
export function leafWeight(gradient: number, hessian: number, { lambda, alpha }: Penalties): number {
  if (hessian <= 0) return 0;
  return Math.fround(-shrink(gradient, alpha) / (hessian + lambda));
}

/**
 * Twice what a leaf of the best weight takes off the objective, rounded to float32 as in XGBoost,
 * whose ties between splits this decides.
 */
export function leafScore(gradient: number, hessian: number, lambda: number, alpha: number): number {
  const shrunk = alpha === 0 ? gradient : shrink(gradient, alpha);
  return Math.fround((shrunk * shrunk) / (hessian + lambda));
}

/** The same of a leaf whose weight is given, as under monotone constraints. */
export function leafScoreAt(gradient: number, hessian: number, lambda: number, weight: number): number {
  return Math.fround(-(2 * gradient * weight + (hessian + lambda) * weight * weight));
}
