import { describe, expect, test } from "vitest";
import { binFeature, MISSING, STRIDE } from "../../../training/boosting/bins.ts";
import { findCuts } from "../../../training/boosting/cuts.ts";
import { distinct } from "../../../training/boosting/distinct.ts";
import { generator } from "./tables.ts";

describe("distinct values", () => {
  test("sorted as numbers, counted, NaN apart, -0 as 0", () => {
    const found = distinct(Float32Array.of(3, -1.5, Number.NaN, 0, -0, 3, 1e-40, -2e30, 3));
    expect([...found.values].map((value) => value + 0)).toEqual([
      ...Float32Array.of(-2e30, -1.5, 0, 1e-40, 3),
    ]);
    expect([...found.counts]).toEqual([1, 1, 2, 1, 3]);
    expect(found.missing).toBe(1);
  });

  test("agree with a comparison sort", () => {
    const random = generator(3);
    const column = Float32Array.from({ length: 3000 }, () =>
      Math.fround((random() - 0.5) * 10 ** (8 * random())),
    );
    expect(distinct(column).values).toEqual(Float32Array.from(new Set(column.toSorted())));
  });
});

describe("cuts", () => {
  test("are the distinct values while they fit", () => {
    const { bounds, below } = findCuts(distinct(Float32Array.of(5, 1, 3, 3)), 256);
    expect([...bounds.slice(0, 2)]).toEqual([3, 5]);
    expect(bounds[2]).toBeGreaterThan(5);
    expect(bounds).toHaveLength(3);
    expect(below).toBeLessThan(1);
  });

  test.each([4, 16, 255, 256])("make about equally full bins: %i of them", (maxBin) => {
    const random = generator(5);
    const column = Float32Array.from({ length: 20_000 }, () => random() ** 3);
    const { bounds } = findCuts(distinct(column), maxBin);
    expect(bounds).toHaveLength(maxBin);
    const counts = new Array<number>(maxBin).fill(0);
    for (const value of column) counts[bounds.findIndex((bound) => value < bound)]!++;
    for (const count of counts) expect(Math.abs(count / (column.length / maxBin) - 1)).toBeLessThan(1.1);
    const middle = counts.slice(1, -1);
    expect(Math.max(...middle) - Math.min(...middle)).toBeLessThanOrEqual(3);
  });
});

test("a row's code is the first bin whose bound is above its value", () => {
  const random = generator(8);
  const column = Float32Array.from({ length: 5000 }, () =>
    random() < 0.1 ? Number.NaN : Math.exp(9 * random()),
  );
  const cuts = {
    bounds: new Float32Array(STRIDE),
    bins: new Int32Array(1),
    below: new Float32Array(1),
    hasMissing: new Uint8Array(1),
  };
  const codes = new Uint8Array(column.length);
  binFeature(column, 256, codes, 0, cuts);
  expect(cuts.bins[0]).toBe(255);
  const bounds = cuts.bounds.subarray(0, 255);
  column.forEach((value, row) => {
    expect(codes[row]).toBe(Number.isNaN(value) ? MISSING : bounds.findIndex((bound) => value < bound));
  });
});
