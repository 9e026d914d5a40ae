/** The bin of a value: the number of edges that are not above it. Edges ascend. */
export function findBin(edges: readonly number[], value: number): number {
  let bin = 0;
  while (bin < edges.length && value >= edges[bin]!) bin++;
  return bin;
}

/**
 * Population stability index between two distributions over the same bins: the sum of
 * (p - q) ln(p / q). Below 0.1 is stable, above 0.25 significant. An empty bin counts as half a row.
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
