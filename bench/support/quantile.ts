/** A quantile of values in ascending order; NaN for no values. */
export function findQuantile(sorted: ArrayLike<number>, q: number): number {
  return sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
}
