import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Stone } from "../../../src/domain/diamond.ts";
import {
  attributePrice,
  type Background,
  buildCoalitions,
  computeShapleyValues,
  explainPrice,
  FEATURE_GROUPS,
  toAmounts,
} from "../../../src/domain/prediction/explanation.ts";
import { averageMarginalEffects, listOrders } from "../../support/shapley.ts";

const STONE: Stone = { carat: 1.1, cut: "Ideal", color: "H", clarity: "SI2", depth: 62, x: 6.61, y: 6.65 };
const BACKGROUND: Background = {
  carat: [0.3, 0.9],
  depth: [60, 61],
  table: [55, 56],
  x: [4, 5],
  y: [4.1, 5.1],
  z: [2.5, 3.5],
  cut: ["Fair", "Good"],
  color: ["D", "E"],
  clarity: ["IF", "VS1"],
};

describe("computeShapleyValues", () => {
  it("equals the mean of the marginal effects over all orders of the players", () => {
    const game = fc.integer({ min: 1, max: 5 }).chain((players) =>
      fc.array(fc.double({ min: -10, max: 10, noNaN: true }), {
        minLength: 2 ** players,
        maxLength: 2 ** players,
      }),
    );
    expect(listOrders(5)).toHaveLength(120);
    fc.assert(
      fc.property(game, (values) => {
        const shapley = computeShapleyValues(values);
        const expected = averageMarginalEffects(values);
        for (const [player, value] of shapley.entries()) expect(value).toBeCloseTo(expected[player]!, 9);
        const total = shapley.reduce((sum, value) => sum + value, 0);
        expect(total).toBeCloseTo(values.at(-1)! - values[0]!, 9);
      }),
    );
  });
});

describe("buildCoalitions", () => {
  it("replaces the groups of each coalition in every background stone, and ends with the stone", () => {
    const columns = buildCoalitions(STONE, BACKGROUND);
    for (const column of Object.values(columns)) expect(column).toHaveLength(2 * 31 + 1);
    expect(Object.keys(columns).sort()).toEqual(Object.keys(BACKGROUND).sort());
    Object.values(FEATURE_GROUPS).forEach((names, group) => {
      for (const name of names) {
        for (let row = 0; row < 2 * 31 + 1; row++) {
          const fromStone = row === 62 || ((row >> 1) & (1 << group)) !== 0;
          const expected = fromStone ? (STONE[name] ?? Number.NaN) : BACKGROUND[name][row % 2]!;
          expect(columns[name]?.[row]).toBe(typeof expected === "number" ? Math.fround(expected) : expected);
        }
      }
    });
  });
});

describe("attributePrice", () => {
  it("starts from the geometric mean of the prices of the background", () => {
    const prices = Float64Array.from({ length: 63 }, (_, row) => (row === 0 ? 100 : row === 1 ? 400 : 800));
    const attribution = attributePrice(prices)!;
    expect(attribution.basePrice).toBeCloseTo(200, 9);
    expect(attribution.effects.reduce((sum, effect) => sum + effect, 0)).toBeCloseTo(Math.log(4), 12);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("is null if a price is %d", (price) => {
    const prices = Array.from({ length: 63 }, () => 500);
    expect(attributePrice(prices.with(40, price))).toBeNull();
  });
});

const effects = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 5, maxLength: 5 });

describe("toAmounts", () => {
  it("adds up to the difference of the prices, with the sign of each effect", () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e6, noNaN: true }), effects, (basePrice, list) => {
        const price = basePrice * Math.exp(list.reduce((sum, effect) => sum + effect, 0));
        const amounts = toAmounts(basePrice, price, list);
        const total = amounts.reduce((sum, amount) => sum + amount, basePrice);
        expect(Math.abs(total / price - 1)).toBeLessThan(1e-6);
        for (const [i, amount] of amounts.entries()) {
          if (Math.abs(list[i]!) > 1e-9) expect(Math.sign(amount)).toBe(Math.sign(list[i]!));
        }
      }),
    );
  });

  it("has the limit of the logarithmic mean where the prices are equal", () => {
    expect(toAmounts(1000, 1000, [0.1, -0.1, 0, 0, 0])).toEqual([100, -100, 0, 0, 0]);
  });
});

describe("explainPrice", () => {
  it("multiplies and adds up to the rounded price", () => {
    fc.assert(
      fc.property(fc.double({ min: 50, max: 1e5, noNaN: true }), effects, (basePrice, list) => {
        const price =
          Math.round(100 * basePrice * Math.exp(list.reduce((sum, effect) => sum + effect, 0))) / 100;
        fc.pre(price >= 1);
        const explanation = explainPrice(STONE, price, { basePrice, effects: list });
        const cents = explanation.reasons.reduce((sum, { amount }) => sum + Math.round(amount * 100), 0);
        expect(cents).toBe(Math.round(price * 100) - Math.round(explanation.basePrice * 100));
        const product = explanation.reasons.reduce((p, { factor }) => p * factor, explanation.basePrice);
        // Within a cent a thousand dollars. A factor has seven decimals.
        const smallest = Math.min(...explanation.reasons.map(({ factor }) => factor));
        expect(Math.abs(product / price - 1)).toBeLessThan(1e-6 + 1e-6 / smallest);
        const sizes = explanation.reasons.map(({ amount }) => Math.abs(amount));
        expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
      }),
    );
  });

  it("has a sentence for each reason", () => {
    const factors = [2.6, 1.032, 0.939, 0.86, 1.0001];
    const basePrice = 2000;
    const price = Math.round(100 * factors.reduce((product, factor) => product * factor, basePrice)) / 100;
    const { reasons } = explainPrice(STONE, price, { basePrice, effects: factors.map(Math.log) });
    expect(reasons.map(({ feature, value, text }) => [feature, value, text])).toEqual([
      ["size", "1.1 ct", "Size 1.1 ct: 2.6 times the price of a typical stone"],
      ["clarity", "SI2", "Clarity SI2: 14 % below a typical stone"],
      ["color", "H", "Colour H: 6.1 % below a typical stone"],
      ["cut", "Ideal", "Cut Ideal: 3.2 % above a typical stone"],
      ["proportions", "depth 62 %", "Proportions (depth 62 %): the same as a typical stone"],
    ]);
  });

  it("says if the proportions were left out", () => {
    const { depth: _, ...stone } = STONE;
    const { reasons } = explainPrice(stone, 1000, { basePrice: 1000, effects: [0, 0, 0, 0, 0] });
    expect(reasons.find(({ feature }) => feature === "proportions")?.value).toBe("not given");
  });
});
