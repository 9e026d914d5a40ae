import type { Rollup } from "../db/request-log/rollups.ts";

/** One count for each bin. */
export type Counts = readonly number[];

/** Adds up the counts of each subject over all hours. */
export function sumBySubject(rollups: readonly Rollup[], kind: Rollup["kind"]): Map<string, number[]> {
  const sums = new Map<string, number[]>();
  for (const rollup of rollups) {
    if (rollup.kind !== kind) continue;
    const sum = sums.get(rollup.subject) ?? [];
    sums.set(rollup.subject, sum);
    addCounts(sum, rollup.counts);
  }
  return sums;
}

/** Adds counts to `sum`, bin by bin. */
export function addCounts(sum: number[], counts: Counts): void {
  for (const [bin, count] of counts.entries()) sum[bin] = (sum[bin] ?? 0) + count;
}

export function sumCounts(counts: Counts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
