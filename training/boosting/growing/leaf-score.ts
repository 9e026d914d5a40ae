/** The penalties on leaf weights. */
export interface Regularization {
  /** L2 penalty. */
  readonly lambda: number;
  /** L1 penalty. */
  readonly alpha: number;
}

/** Moves the gradient towards 0 by alpha: XGBoost's `ThresholdL1`. */
function thresholdGradient(gradient: number, alpha: number): number {
  if (gradient > alpha) return gradient - alpha;
  if (gradient < -alpha) return gradient + alpha;
  return 0;
}

/** Computes the best weight of a leaf, in the target's units and in float32 as XGBoost does. */
export function computeLeafWeight(
  gradient: number,
  hessian: number,
  { lambda, alpha }: Regularization,
): number {
  if (hessian <= 0) return 0;
  return Math.fround(-thresholdGradient(gradient, alpha) / (hessian + lambda));
}

/**
 * Computes the amount by which a leaf of the best weight lowers twice the objective. XGBoost rounds it to
 * float32 too, and the rounding decides ties between splits.
 */
export function computeLeafScore(gradient: number, hessian: number, lambda: number, alpha: number): number {
  const reduced = alpha === 0 ? gradient : thresholdGradient(gradient, alpha);
  return Math.fround((reduced * reduced) / (hessian + lambda));
}
