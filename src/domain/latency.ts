/** Upper edges of the latency bins, in milliseconds. Each but the last is 1.3 to 2 times the one before. */
export const LATENCY_EDGES_MS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000,
  10_000, 30_000,
] as const;

/**
 * Estimates the duration, in milliseconds, that a fraction of all counted durations does not exceed; null if
 * none was counted. Durations are assumed to be spread evenly within their bin, so the error is smaller than
 * the width of the bin. The last bin has no upper edge and counts as its lower edge.
 */
export function percentile(counts: readonly number[], fraction: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let below = 0;
  for (const [bin, count] of counts.entries()) {
    if (count > 0 && below + count >= fraction * total) {
      const from = LATENCY_EDGES_MS[bin - 1] ?? 0;
      const to = LATENCY_EDGES_MS[bin] ?? from;
      return from + ((to - from) * (fraction * total - below)) / count;
    }
    below += count;
  }
  return null;
}
