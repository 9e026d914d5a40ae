import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Stone } from "../../../src/domain/diamond.ts";
import { compareWithStones, roundPrice, toPrediction } from "../../../src/domain/prediction/prediction.ts";
import { calibration } from "../../support/calibration.ts";

const STONE: Stone = { carat: 1, cut: "Ideal", color: "G", clarity: "VS1", table: 55 };
const FACTS = { ranges: {}, calibration: null, plausibility: null };
const OPTIONS = { coverage: 0.9 };

describe("roundPrice", () => {
  it.each([
    [4683.2, 4683.2],
    [4683.204, 4683.2],
    [4683.206, 4683.21],
    [0.006, 0.01],
    [1e9, 1e9],
  ])("rounds %f dollars to %f", (price, expected) => {
    expect(roundPrice(price)).toBe(expected);
  });

  it("is null if the model's price is not finite, not positive, or rounds to 0", () => {
    const none = fc.oneof(
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 0.004),
      fc.double({ max: 0, noNaN: true }),
    );
    fc.assert(
      fc.property(none, (price) => {
        expect(roundPrice(price)).toBeNull();
      }),
    );
  });

  it("has at most two decimals", () => {
    fc.assert(
      fc.property(fc.float({ min: 1, max: 1e6, noNaN: true }), (price) => {
        const shown = roundPrice(price) ?? 0;
        expect(Math.abs(shown - price)).toBeLessThanOrEqual(0.0051);
        expect(String(shown)).toMatch(/^\d+(\.\d{1,2})?$/);
      }),
    );
  });
});

describe("toPrediction", () => {
  it("lists the measurements that were left out", () => {
    expect(toPrediction(STONE, 1, FACTS, OPTIONS).imputed).toEqual(["depth", "x", "y", "z"]);
  });

  it("has no range and no percentile if the version has no calibration", () => {
    const prediction = toPrediction(STONE, 1000, FACTS, { coverage: 0.9, asking: 900 });
    expect(prediction.range).toBeNull();
    expect(prediction.asking).toEqual({ price: 900, percentile: null });
    expect(toPrediction(STONE, 1000, FACTS, OPTIONS)).not.toHaveProperty("asking");
  });

  it("takes the distribution of the stone's weight, and of stones with or without a size", () => {
    const facts = { ...FACTS, calibration };
    const rangeOf = (stone: Stone) => toPrediction(stone, 1000, facts, OPTIONS).range;
    // The test calibration has errors of 10 % below 1 carat and 20 % from there; twice that without a size.
    const size = { x: 6, y: 6 };
    expect(rangeOf({ ...STONE, ...size, carat: 0.99 })).toEqual({ low: 910, high: 1098.9, coverage: 0.9 });
    expect(rangeOf({ ...STONE, ...size })).toEqual({ low: 820, high: 1219.51, coverage: 0.9 });
    expect(rangeOf({ ...STONE, x: 6 })).toEqual({ low: 640, high: 1562.5, coverage: 0.9 });
  });

  it("contains the price, and grows with the coverage", () => {
    const coverage = fc.double({ min: 0.5, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(
        fc.tuple(coverage, coverage),
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        (coverages, modelPrice, carat) => {
          const price = roundPrice(modelPrice)!;
          const [narrow, wide] = coverages
            .sort((a, b) => a - b)
            .map(
              (c) =>
                toPrediction({ ...STONE, carat }, price, { ...FACTS, calibration }, { coverage: c }).range!,
            );
          expect(wide!.low).toBeLessThanOrEqual(narrow!.low);
          expect(narrow!.low).toBeLessThanOrEqual(price);
          expect(price).toBeLessThanOrEqual(narrow!.high);
          expect(narrow!.high).toBeLessThanOrEqual(wide!.high);
        },
      ),
    );
  });

  it("warns about a value outside the range of a version without limits of plausibility", () => {
    const facts = {
      ...FACTS,
      ranges: { carat: [1, 2], x: [3, 4] } satisfies Record<string, [number, number]>,
    };
    expect(toPrediction(STONE, 1, facts, OPTIONS).warnings).toEqual([]);
    expect(toPrediction({ ...STONE, carat: 2 }, 1, facts, OPTIONS).warnings).toEqual([]);
    expect(toPrediction({ ...STONE, carat: 2.01 }, 1, facts, OPTIONS).warnings).toEqual([
      {
        code: "outside-training-range",
        message:
          "carat 2.01 is outside the range that the model was trained on (1 to 2), 0.5 % above its upper end: the price is an extrapolation",
        fields: ["carat"],
      },
    ]);
  });
});

describe("compareWithStones", () => {
  it("counts the cheaper and the dearer stones, and not those at the same price", () => {
    const stone = { ...STONE, depth: 62, x: 6, y: 6, z: 4, table: 55, id: "a", weightDifference: 0 };
    const stones = [900, 1000, 1100, 1200].map((price) => ({ ...stone, price }));
    expect(compareWithStones(1000, stones)).toEqual({ count: 4, cheaper: 1, dearer: 2, medianPrice: 1050 });
    expect(compareWithStones(1000, [])).toEqual({ count: 0, cheaper: 0, dearer: 0, medianPrice: null });
  });
});
