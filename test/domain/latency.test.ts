import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findBin } from "../../src/domain/drift.ts";
import { LATENCY_EDGES_MS, percentile } from "../../src/domain/latency.ts";

/** Counts durations per bin, as the log does. */
function countDurations(durations: readonly number[]): number[] {
  const counts = new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);
  for (const duration of durations) counts[findBin(LATENCY_EDGES_MS, duration)]!++;
  return counts;
}

describe("percentile", () => {
  it("is null if nothing was counted", () => {
    expect(percentile([], 0.5)).toBeNull();
    expect(percentile([0, 0, 0], 0.99)).toBeNull();
  });

  // The bins begin at 0, 1, 2, 3, 5, 7 ms. The result within a bin is
  // start + width * (fraction * total - counted before) / count.
  it.each([
    { counts: [10], fraction: 0.5, expected: 0.5 },
    { counts: [0, 10], fraction: 0.5, expected: 1.5 },
    { counts: [0, 10], fraction: 1, expected: 2 },
    { counts: [5, 0, 0, 5], fraction: 0.5, expected: 1 },
    { counts: [5, 0, 0, 5], fraction: 0.75, expected: 4 },
    { counts: [90, 0, 0, 0, 10], fraction: 0.95, expected: 6 },
    { counts: [90, 0, 0, 0, 10], fraction: 0.99, expected: 6.8 },
  ])("$fraction of $counts is $expected ms", ({ counts, fraction, expected }) => {
    expect(percentile(counts, fraction)).toBeCloseTo(expected, 10);
  });

  it("is the last edge for durations above it", () => {
    expect(percentile(countDurations([40_000, 60_000]), 0.5)).toBe(30_000);
  });

  it("lies in the bin of the exact percentile", () => {
    const duration = fc.double({ min: 0, max: 29_999, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(duration, { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (durations, fraction) => {
          const sorted = durations.toSorted((a, b) => a - b);
          // The smallest duration that at least this fraction of all durations does not exceed.
          const exact = sorted[Math.ceil(fraction * sorted.length) - 1]!;
          const bin = findBin(LATENCY_EDGES_MS, exact);
          const estimate = percentile(countDurations(durations), fraction)!;
          expect(estimate).toBeGreaterThanOrEqual(LATENCY_EDGES_MS[bin - 1] ?? 0);
          expect(estimate).toBeLessThanOrEqual(LATENCY_EDGES_MS[bin]!);
        },
      ),
    );
  });
});
