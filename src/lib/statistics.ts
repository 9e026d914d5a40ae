/** The median. For an even number of values it is the mean of the middle two; for no values, NaN. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The smallest value v such that the values up to v have at least half of the total weight; NaN for no
 * values. For the ratios actual / predicted with the weights predicted, it is the factor c that minimises the
 * sum of |actual - c * predicted|.
 */
export function weightedMedian(values: ArrayLike<number>, weights: ArrayLike<number>): number {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => values[a]! - values[b]!,
  );
  const halfWeight = order.reduce((sum, i) => sum + weights[i]!, 0) / 2;
  let weight = 0;
  for (const i of order) {
    weight += weights[i]!;
    if (weight >= halfWeight) return values[i]!;
  }
  return Number.NaN;
}
