import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  computeExpectedErrors,
  computePercentile,
  computeRange,
  type Distribution,
  findDistribution,
  QUANTILE_LEVELS,
} from "../../../src/domain/prediction/calibration.ts";
import { calibration } from "../../support/calibration.ts";

/** A distribution whose quantiles ascend, some of them equal, around 0. */
const distribution = fc
  .array(fc.double({ min: 0, max: 0.05, noNaN: true }), {
    minLength: QUANTILE_LEVELS.length,
    maxLength: QUANTILE_LEVELS.length,
  })
  .map((steps): Distribution => {
    let sum = -2;
    return { levels: QUANTILE_LEVELS, quantiles: steps.map((step) => (sum += step < 0.01 ? 0 : step)) };
  });
const price = fc.double({ min: 1, max: 1e6, noNaN: true });
const coverage = fc.double({ min: 0.5, max: 0.99, noNaN: true });

describe("the levels of the quantiles", () => {
  it("are about 100, ascending, from 0 to 1, and symmetric", () => {
    expect(QUANTILE_LEVELS).toHaveLength(105);
    QUANTILE_LEVELS.forEach((level, i) => {
      if (i > 0) expect(level).toBeGreaterThan(QUANTILE_LEVELS[i - 1]!);
      expect(level).toBeCloseTo(1 - QUANTILE_LEVELS.at(-1 - i)!, 12);
    });
  });
});

describe("findDistribution", () => {
  it("chooses the band by the weight: a band contains its lowest weight", () => {
    const bandOf = (carat: number) =>
      calibration.withSize.bands.findIndex(
        ({ quantiles }) => quantiles === findDistribution(calibration, { carat, x: 6, y: 6 }).quantiles,
      );
    expect([0.01, 0.999, 1, 99].map(bandOf)).toEqual([0, 0, 1, 1]);
  });

  it("takes the stones without size if x or y is missing", () => {
    const quantilesOf = (size: { x?: number; y?: number }) =>
      findDistribution(calibration, { carat: 0.5, x: undefined, y: undefined, ...size }).quantiles;
    expect(quantilesOf({ x: 5, y: 5 })).toBe(calibration.withSize.bands[0]?.quantiles);
    for (const size of [{}, { x: 5 }, { y: 5 }]) {
      expect(quantilesOf(size)).toBe(calibration.withoutSize.bands[0]?.quantiles);
    }
  });
});

describe("computePercentile", () => {
  it("is the level of each stored quantile, and the middle of the levels of equal quantiles", () => {
    const quantiles = [-0.2, 0, 0, 0, 0.4];
    const levels = [0, 0.2, 0.4, 0.6, 1];
    const at = (value: number) => computePercentile({ levels, quantiles }, 1000, 1000 * Math.exp(value));
    expect(at(-0.2)).toBeCloseTo(0, 9);
    expect(at(-0.1)).toBeCloseTo(0.1, 9);
    expect(at(0)).toBe(0.4);
    expect(at(0.2)).toBeCloseTo(0.8, 9);
    expect(at(0.4)).toBeCloseTo(1, 9);
    expect([at(-5), at(5)]).toEqual([0, 1]);
  });

  it("grows with the asking price and stays from 0 to 1", () => {
    const asked = fc.double({ min: 0.01, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(distribution, price, asked, asked, (d, p, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((asking) => computePercentile(d, p, asking));
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(high! + 1e-12);
      }),
    );
  });

  it("is the tail at each end of a range", () => {
    fc.assert(
      fc.property(price, coverage, fc.constantFrom(0.5, 3), (p, c, carat) => {
        const d = findDistribution(calibration, { carat, x: 6, y: 6 });
        const { low, high } = computeRange(d, p, c);
        expect(computePercentile(d, p, low)).toBeCloseTo((1 - c) / 2, 9);
        expect(computePercentile(d, p, high)).toBeCloseTo((1 + c) / 2, 9);
      }),
    );
  });
});

describe("computeRange", () => {
  it("contains the price, and a higher coverage contains a lower one", () => {
    fc.assert(
      fc.property(distribution, price, coverage, coverage, (d, p, a, b) => {
        const [narrow, wide] = [Math.min(a, b), Math.max(a, b)].map((c) => computeRange(d, p, c));
        expect(narrow!.low).toBeLessThanOrEqual(p);
        expect(narrow!.high).toBeGreaterThanOrEqual(p);
        expect(wide!.low).toBeLessThanOrEqual(narrow!.low);
        expect(wide!.high).toBeGreaterThanOrEqual(narrow!.high);
      }),
    );
  });

  it("is proportional to the price", () => {
    const d = findDistribution(calibration, { carat: 2, x: 8, y: 8 });
    expect(computeRange(d, 2000, 0.8).low).toBeCloseTo(2 * computeRange(d, 1000, 0.8).low, 9);
  });
});

describe("computeExpectedErrors", () => {
  it("is the mean error of a distribution, here uniform from -0.2 to 0.2 on the logarithm", () => {
    const quantiles = QUANTILE_LEVELS.map((level) => 0.4 * (level - 0.5));
    const { absolute, relative } = computeExpectedErrors({ levels: QUANTILE_LEVELS, quantiles });
    // The mean of |exp(u) - 1| over u in [-0.2, 0.2] is (exp(0.2) + exp(-0.2) - 2) / 0.4.
    const expected = (Math.exp(0.2) + Math.exp(-0.2) - 2) / 0.4;
    expect(absolute).toBeCloseTo(expected, 4);
    expect(relative).toBeCloseTo(expected, 4);
  });
});
