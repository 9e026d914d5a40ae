import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findBin, populationStabilityIndex } from "../../src/domain/drift.ts";

describe("findBin", () => {
  it.each([
    [-1, 0],
    [0.49, 0],
    [0.5, 1],
    [0.99, 1],
    [1, 2],
    [1e9, 2],
  ])("puts %f into bin %i of the edges 0.5 and 1", (value, bin) => {
    expect(findBin([0.5, 1], value)).toBe(bin);
  });

  it("has one bin without edges", () => {
    expect(findBin([], 3)).toBe(0);
  });

  it("finds the bin whose edges enclose the value", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 20 }), fc.integer(), (numbers, value) => {
        const edges = numbers.toSorted((a, b) => a - b);
        const bin = findBin(edges, value);
        expect(edges[bin - 1] ?? Number.NEGATIVE_INFINITY).toBeLessThanOrEqual(value);
        expect(edges[bin] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(value);
      }),
    );
  });
});

describe("populationStabilityIndex", () => {
  // Computed by hand from the definition: the sum of (q - p) ln(q / p) over the bins.
  it.each([
    // 0.4 ln(0.9 / 0.5) - 0.4 ln(0.1 / 0.5)
    { expected: [50, 50], actual: [90, 10], psi: 0.878_889_8 },
    // 0.1 ln(0.35 / 0.25) - 0.05 ln(0.2 / 0.25) - 0.05 ln(0.45 / 0.5)
    { expected: [25, 25, 50], actual: [35, 20, 45], psi: 0.050_072_4 },
    // An empty bin counts as half a row: -0.5 ln(0.5 / 1) + 0.495 ln(0.5 / 0.005)
    { expected: [100, 0], actual: [50, 50], psi: 2.626_132_8 },
    // The same for the other distribution: -0.45 ln(0.05 / 0.5) + 0.5 ln(1 / 0.5)
    { expected: [5, 5], actual: [0, 10], psi: 1.382_736_9 },
  ])("of $expected and $actual is $psi", ({ expected, actual, psi }) => {
    expect(populationStabilityIndex(expected, actual)).toBeCloseTo(psi, 6);
  });

  const counts = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 3, maxLength: 3 });

  it("is 0 for equal distributions, whatever their size", () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 50 }), (bins, factor) => {
        const scaled = bins.map((count) => count * factor);
        expect(populationStabilityIndex(bins, scaled)).toBeCloseTo(0, 12);
      }),
    );
  });

  it("is never negative, and the same in both directions", () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const psi = populationStabilityIndex(a, b);
        expect(psi).toBeGreaterThanOrEqual(0);
        expect(populationStabilityIndex(b, a)).toBeCloseTo(psi, 10);
      }),
    );
  });

  it("counts bins that the second distribution lacks as empty", () => {
    expect(populationStabilityIndex([100, 0], [50])).toBe(populationStabilityIndex([100, 0], [50, 0]));
  });
});
