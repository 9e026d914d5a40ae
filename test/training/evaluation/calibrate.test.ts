import { describe, expect, it } from "vitest";
import { computePercentile, findBand, QUANTILE_LEVELS } from "../../../src/domain/prediction/calibration.ts";
import { type CalibrationStone, calibrateGroup } from "../../../training/evaluation/calibrate.ts";
import { createRandom } from "../../support/random.ts";

/** Stones whose logarithmic error is normal, with a standard deviation that grows with the weight. */
function createStones(count: number, seed: number, carats: readonly number[] = [0.3, 0.7, 1.2, 1.7, 2.5]) {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i): CalibrationStone => {
    const carat = carats[i % carats.length]!;
    // Box and Muller's transformation.
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return { carat, predicted: 1000, price: 1000 * Math.exp(0.02 + 0.1 * carat * normal) };
  });
}

describe("calibrateGroup", () => {
  const stones = createStones(20_000, 1);
  const group = calibrateGroup(stones, createStones(20_000, 2))!;

  it("has one ascending list of quantiles per carat band", () => {
    expect(group.rows).toBe(20_000);
    expect(group.bands.map(({ from, to, rows }) => [from, to, rows])).toEqual([
      [0, 0.5, 4000],
      [0.5, 1, 4000],
      [1, 1.5, 4000],
      [1.5, 2, 4000],
      [2, null, 4000],
    ]);
    for (const { quantiles } of group.bands) {
      expect(quantiles).toHaveLength(QUANTILE_LEVELS.length);
      expect(quantiles).toEqual(quantiles.toSorted((a, b) => a - b));
    }
  });

  it("measures coverages close to the promised ones, in all and by band", () => {
    for (const figures of [group.test, ...Object.values(group.test.bands)]) {
      for (const { coverage, measured } of figures.coverages) {
        expect(Math.abs(measured - coverage)).toBeLessThan(3.5 * Math.sqrt(0.16 / figures.rows) * 1.5);
      }
    }
    expect(group.test.coverages.map(({ coverage }) => coverage)).toEqual([0.8, 0.9, 0.95]);
    // 1.645 standard deviations on each side, exp(0.02 ± 0.0493) and so on.
    const widths = Object.values(group.test.bands).map(({ coverages }) => coverages[1]!.medianWidth);
    for (const [i, carat] of [0.3, 0.7, 1.2, 1.7, 2.5].entries()) {
      const half = 1.645 * 0.1 * carat;
      const expected = Math.exp(0.02 + half) - Math.exp(0.02 - half);
      expect(Math.abs(widths[i]! / expected - 1)).toBeLessThan(0.06);
    }
  });

  it("gives uniform percentiles on other stones", () => {
    const percentiles = createStones(20_000, 3).map(({ carat, predicted, price }) => {
      const { quantiles } = findBand(group.bands, carat);
      return computePercentile({ levels: QUANTILE_LEVELS, quantiles }, predicted, price);
    });
    for (let level = 0.1; level < 0.95; level += 0.1) {
      const below = percentiles.filter((percentile) => percentile < level).length / percentiles.length;
      expect(Math.abs(below - level)).toBeLessThan(0.015);
    }
  });

  it("merges a band of fewer than 200 stones with the next one, and the last with the one before", () => {
    const bandsOf = (carats: readonly number[], count = 1000) =>
      calibrateGroup(createStones(count, 4, carats), createStones(10, 5))?.bands.map(({ from, to, rows }) => [
        from,
        to,
        rows,
      ]);
    const few = [0.3, ...Array<number>(9).fill(0.7)];
    expect(bandsOf(few)).toEqual([[0, null, 1000]]);
    expect(bandsOf([0.3, 0.3, 1.2, 1.2, 1.7, 2.5, 2.5, 2.5])).toEqual([
      [0, 0.5, 250],
      [0.5, 1.5, 250],
      [1.5, null, 500],
    ]);
    expect(bandsOf([0.3, 0.3, 0.3, 0.7, 0.7, 0.7, 0.7, 0.7, 2.5])).toEqual([
      [0, 0.5, 334],
      [0.5, null, 666],
    ]);
    expect(bandsOf([0.3], 100)).toEqual([[0, null, 100]]);
  });

  it("is null with fewer than 100 stones, without test stones, or if a stone has no price", () => {
    expect(calibrateGroup(stones.slice(0, 99), stones)).toBeNull();
    expect(calibrateGroup(stones, [])).toBeNull();
    for (const predicted of [Number.NaN, 0, -1, Number.POSITIVE_INFINITY]) {
      expect(calibrateGroup(stones.with(7, { ...stones[7]!, predicted }), stones)).toBeNull();
    }
  });
});
