import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Stone } from "../../src/domain/diamond.ts";
import { formatVersion, ModelSelector, parseSelector } from "../../src/domain/model-selector.ts";
import { toPrediction, warnOutsideRanges } from "../../src/domain/prediction.ts";

const STONE: Stone = { carat: 1, cut: "Ideal", color: "G", clarity: "VS1", table: 55 };

describe("toPrediction", () => {
  it.each([
    [4683.2, 4683.2],
    [4683.204, 4683.2],
    [4683.206, 4683.21],
    [0.006, 0.01],
    [1e9, 1e9],
  ])("rounds %f dollars to cents: %f", (price, expected) => {
    expect(toPrediction(STONE, price, {})?.price).toBe(expected);
  });

  it("has no price where the model has none", () => {
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

  it("shows cents for every price above one", () => {
    fc.assert(
      fc.property(fc.float({ min: 1, max: 1e6, noNaN: true }), (price) => {
        const shown = toPrediction(STONE, price, {})?.price ?? 0;
        expect(Math.abs(shown - price)).toBeLessThanOrEqual(0.0051);
        expect(String(shown)).toMatch(/^\d+(\.\d{1,2})?$/);
      }),
    );
  });

  it("names what was left out", () => {
    expect(toPrediction(STONE, 1, {})?.imputed).toEqual(["depth", "x", "y", "z"]);
  });
});

describe("warnOutside", () => {
  it("is silent at the ends of a range, about columns without one, and about what was left out", () => {
    const ranges = { carat: [1, 2], x: [3, 4] } satisfies Record<string, [number, number]>;
    expect(warnOutsideRanges(ranges, STONE)).toEqual([]);
    expect(warnOutsideRanges(ranges, { ...STONE, carat: 2 })).toEqual([]);
    expect(warnOutsideRanges(ranges, { ...STONE, carat: 2.01 })).toEqual([
      "carat 2.01 is outside the range that the model was trained on (1 to 2): the price is an extrapolation.",
    ]);
  });
});

describe("ModelSelector", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,3}$/);

  it("reads what it writes", () => {
    fc.assert(
      fc.property(name, fc.integer({ min: 1, max: 999_999_999 }), (text, version) => {
        const selector = ModelSelector.parse(formatVersion({ name: text, version }));
        expect(parseSelector(selector)).toEqual({ kind: "version", name: text, version });
        expect(parseSelector(ModelSelector.parse(text))).toEqual({ kind: "name", name: text });
      }),
    );
  });

  it("is the champion where nothing is said", () => {
    expect(ModelSelector.parse(undefined)).toBe("champion");
  });

  it.each(["", "A", "a@", "a@0", "a@-1", "a@1.5", "a@1@2", "../a", "a b", "a--b", "-a", "a-", "a@1e3"])(
    "refuses %o",
    (text) => {
      expect(ModelSelector.safeParse(text).error?.issues[0]?.message).toMatch(/^model must be/);
    },
  );
});
