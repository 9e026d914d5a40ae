import { describe, expect, test } from "vitest";
import { BINS_PER_FEATURE, binFeature, MISSING_BIN } from "../../../../training/boosting/binning/bins.ts";
import { findCutPoints } from "../../../../training/boosting/binning/cut-points.ts";
import { findDistinctValues } from "../../../../training/boosting/binning/distinct-values.ts";
import { createRandom } from "../../../support/random.ts";

describe("findDistinctValues", () => {
  test("sorts values as numbers, counts them, separates NaN and counts -0 as 0", () => {
    const distinct = findDistinctValues(Float32Array.of(3, -1.5, Number.NaN, 0, -0, 3, 1e-40, -2e30, 3));
    // Adding 0 turns -0 into 0, which toEqual tells apart.
    expect([...distinct.values].map((value) => value + 0)).toEqual([
      ...Float32Array.of(-2e30, -1.5, 0, 1e-40, 3),
    ]);
    expect([...distinct.counts]).toEqual([1, 1, 2, 1, 3]);
    expect(distinct.missingCount).toBe(1);
  });

  test("finds the same values as a comparison sort", () => {
    const random = createRandom(3);
    const column = Float32Array.from({ length: 3000 }, () =>
      Math.fround((random() - 0.5) * 10 ** (8 * random())),
    );
    // Oracle: JavaScript's own sort.
    expect(findDistinctValues(column).values).toEqual(Float32Array.from(new Set(column.toSorted())));
  });
});

describe("findCutPoints", () => {
  test("returns the distinct values if there are at most maxBin", () => {
    const { upperBounds, lowerBound } = findCutPoints(findDistinctValues(Float32Array.of(5, 1, 3, 3)), 256);
    expect([...upperBounds.slice(0, 2)]).toEqual([3, 5]);
    expect(upperBounds[2]).toBeGreaterThan(5);
    expect(upperBounds).toHaveLength(3);
    expect(lowerBound).toBeLessThan(1);
  });

  test.each([4, 16, 255, 256])("makes %i bins that are about equally full", (maxBin) => {
    const random = createRandom(5);
    const column = Float32Array.from({ length: 20_000 }, () => random() ** 3);
    const { upperBounds } = findCutPoints(findDistinctValues(column), maxBin);
    expect(upperBounds).toHaveLength(maxBin);
    // Oracle: rows counted by a linear search for their bin.
    const counts = new Array<number>(maxBin).fill(0);
    for (const value of column) counts[upperBounds.findIndex((bound) => value < bound)]!++;
    for (const count of counts) expect(Math.abs(count / (column.length / maxBin) - 1)).toBeLessThan(1.1);
    const middle = counts.slice(1, -1);
    expect(Math.max(...middle) - Math.min(...middle)).toBeLessThanOrEqual(3);
  });
});

describe("binFeature", () => {
  test("assigns each row the first bin whose upper bound is above the value", () => {
    const random = createRandom(8);
    const column = Float32Array.from({ length: 5000 }, () =>
      random() < 0.1 ? Number.NaN : Math.exp(9 * random()),
    );
    const table = {
      upperBounds: new Float32Array(BINS_PER_FEATURE),
      binCounts: new Int32Array(1),
      lowerBounds: new Float32Array(1),
      hasMissing: new Uint8Array(1),
    };
    const bins = new Uint8Array(column.length);
    binFeature(column, 256, bins, 0, table);
    expect(table.binCounts[0]).toBe(255);
    // Oracle: a linear search over the upper bounds.
    const upperBounds = table.upperBounds.subarray(0, 255);
    column.forEach((value, row) => {
      const expected = Number.isNaN(value) ? MISSING_BIN : upperBounds.findIndex((bound) => value < bound);
      expect(bins[row]).toBe(expected);
    });
  });
});
