import fc from "fast-check";
import { expect, test } from "vitest";
import { EXAMPLE_STONE, NUMBER_COLUMNS, type PricedStone } from "../../src/domain/diamond.ts";
import { isRounded, roundStone } from "../../src/domain/stone-id.ts";

const STONE: PricedStone = { ...EXAMPLE_STONE, price: 4677 };

test("a stone with any values of three decimals, and a price in cents, is the same from float32", () => {
  const thousandths = fc.integer({ min: 1, max: 100_000 }).map((value) => value / 1000);
  const cents = fc.integer({ min: 1, max: 5_000_000 }).map((value) => value / 100);
  fc.assert(
    fc.property(fc.tuple(...NUMBER_COLUMNS.map(() => thousandths)), cents, (values, price) => {
      const numbers = Object.fromEntries(NUMBER_COLUMNS.map((column, i) => [column, values[i]]));
      const stone: PricedStone = { ...STONE, ...numbers, price };
      const spelled = Object.fromEntries(
        Object.entries(stone).map(([key, value]) => [
          key,
          typeof value === "number" ? Math.fround(value) : value,
        ]),
      );
      expect(isRounded(stone)).toBe(true);
      expect(roundStone(stone)).toEqual(stone);
      expect(roundStone(spelled as PricedStone)).toEqual(stone);
    }),
  );
});

test("a stone with more digits is not rounded", () => {
  expect(isRounded({ ...STONE, x: 6.610000133514404 })).toBe(false);
  expect(isRounded({ ...STONE, price: 4677.001 })).toBe(false);
});
