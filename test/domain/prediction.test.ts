import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Stone } from "../../src/domain/diamond.ts";
import { listRangeWarnings, toPrediction } from "../../src/domain/prediction.ts";

const STONE: Stone = { carat: 1, cut: "Ideal", color: "G", clarity: "VS1", table: 55 };

describe("toPrediction", () => {
  it.each([
    [4683.2, 4683.2],
    [4683.204, 4683.2],
    [4683.206, 4683.21],
    [0.006, 0.01],
    [1e9, 1e9],
  ])("rounds %f dollars to %f", (price, expected) => {
    expect(toPrediction(STONE, price, {})?.price).toBe(expected);
  });

  it("is null if the model's price is not finite, not positive, or rounds to 0", () => {
    const none = fc.oneof(
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 0.004),
      fc.double({ max: 0, noNaN: true }),
    );
    fc.assert(
      fc.property(none, (price) => {
        expect(toPrediction(STONE, price, {})).toBeNull();
      }),
    );
  });

  it("has at most two decimals", () => {
    fc.assert(
      fc.property(fc.float({ min: 1, max: 1e6, noNaN: true }), (price) => {
        const shown = toPrediction(STONE, price, {})?.price ?? 0;
        expect(Math.abs(shown - price)).toBeLessThanOrEqual(0.0051);
        expect(String(shown)).toMatch(/^\d+(\.\d{1,2})?$/);
      }),
    );
  });

  it("lists the measurements that were left out", () => {
    expect(toPrediction(STONE, 1, {})?.imputed).toEqual(["depth", "x", "y", "z"]);
  });
});

describe("listRangeWarnings", () => {
  it("has no warning at the ends of a range, for a column without a range, or for a missing value", () => {
    const ranges = { carat: [1, 2], x: [3, 4] } satisfies Record<string, [number, number]>;
    expect(listRangeWarnings(ranges, STONE)).toEqual([]);
    expect(listRangeWarnings(ranges, { ...STONE, carat: 2 })).toEqual([]);
    expect(listRangeWarnings(ranges, { ...STONE, carat: 2.01 })).toEqual([
      "carat 2.01 is outside the range that the model was trained on (1 to 2): the price is an extrapolation.",
    ]);
  });
});
