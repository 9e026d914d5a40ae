/** Edges of the bins in which durations are counted, in milliseconds: each about 1.5 times the one before. */
export const LATENCY_EDGES = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000,
  10_000, 30_000,
] as const;

/**
 * The duration that a share of the counted ones does not exceed, milliseconds; null where none was counted.
 * Within a bin durations are taken to lie evenly, so the answer is off by less than the bin is wide.
 */
export function percentile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let below = 0;
  for (const [bin, count] of counts.entries()) {
    if (count > 0 && below + count >= share * total) {
      const from = LATENCY_EDGES[bin - 1] ?? 0;
      const to = LATENCY_EDGES[bin] ?? from;
      return from + ((to - from) * (share * total - below)) / count;
    }
    below += count;
  }
  return null;
}
