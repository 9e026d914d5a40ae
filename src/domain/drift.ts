/** Returns the index of a value's bin: the number of edges that are not above it. The edges are ascending. */
export function findBin(edges: readonly number[], value: number): number {
  let bin = 0;
  while (bin < edges.length && value >= edges[bin]!) bin++;
  return bin;
}

/**
 * Population stability index (PSI) of two distributions over the same bins: the sum of (q - p) ln(q / p),
 * where p and q are the fractions of the expected and the actual rows in a bin. An empty bin counts as half a
 * row, because the logarithm of 0 is infinite. By the usual rule of thumb (Siddiqi, Credit Risk Scorecards,
 * 2006), drift is small below 0.1 and significant above 0.25.
 */
export function populationStabilityIndex(expected: readonly number[], actual: readonly number[]): number {
  const expectedTotal = expected.reduce((sum, count) => sum + count, 0);
  const actualTotal = actual.reduce((sum, count) => sum + count, 0);
  return expected.reduce((sum, count, bin) => {
    const p = Math.max(count, 0.5) / expectedTotal;
    const q = Math.max(actual[bin] ?? 0, 0.5) / actualTotal;
    return sum + (q - p) * Math.log(q / p);
  }, 0);
}
