import { expect, test } from "vitest";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import {
  comparePrices,
  describePriceChange,
  findPriceFaults,
} from "../../../training/evaluation/compare-prices.ts";
import { createRandom } from "../../support/random.ts";
import { createRandomStones } from "./random-stones.ts";

const stones = createRandomStones(2000);

/** Prices as those of a model, changed by a factor. Models share most of their errors: a tenth at most here. */
function createPrices(seed: number, factor: (stone: PricedStone) => number = () => 1): Float32Array {
  const [shared, own] = [createRandom(1000), createRandom(seed)];
  return Float32Array.from(
    stones,
    (stone) => stone.price * (0.9 + 0.2 * shared()) * (0.97 + 0.06 * own()) * factor(stone),
  );
}

const champion = createPrices(1);
const findFaults = (prices: Float32Array) =>
  findPriceFaults(comparePrices(stones, prices, champion), "m@1").join("; ");

test("a model that is as good in all groups has no faults, whatever the seed", () => {
  for (let seed = 2; seed < 60; seed++) expect(findFaults(createPrices(seed))).toBe("");
});

test.each([0.85, 0.92, 1.08, 1.2])("prices that all move by a factor of %f have no faults", (factor) => {
  expect(findFaults(createPrices(2, () => factor))).toBe("");
});

test.each([0.001, 0.1, 0.7, 1.3, 1.45, 100])("a factor of %f is a fault, with the ratio", (factor) => {
  const faults = findFaults(createPrices(2, () => factor));
  expect(faults).toMatch(
    /^on the test stones of m@1 the median ratio of new to old prices is [\d.]+ for all 2,000;/,
  );
});

test("the ratio is judged also if the errors are not", () => {
  const comparisons = comparePrices(
    stones,
    createPrices(2, () => 2),
    champion,
  );
  expect(findPriceFaults(comparisons, "m@1", false)).toHaveLength(1);
});

test("prices that are not numbers are a fault", () => {
  expect(findFaults(createPrices(2, () => Number.NaN))).toContain("new to old prices is NaN");
});

test("a grade or a weight whose prices move on their own is a fault", () => {
  expect(findFaults(createPrices(2, ({ cut }) => (cut === "Good" ? 0.6 : 1)))).toMatch(
    /new to old prices is (0\.5|0\.6)\d+ for cut Good \(\d+\)/,
  );
  expect(findFaults(createPrices(2, ({ carat }) => (carat >= 2 ? 1.18 : 1)))).toMatch(
    /the MAE rises .*from \$[\d,.]+ to \$[\d,.]+ for 2\+ carat \(\d+\)/,
  );
});

test("a part of the market may move a tenth more than the whole", () => {
  expect(findFaults(createPrices(2, ({ carat }) => (carat >= 1 ? 1.1 : 1.02)))).toBe("");
  expect(findFaults(createPrices(2, ({ color }) => (color === "D" || color === "E" ? 1.09 : 1)))).toBe("");
  const both = createPrices(
    2,
    ({ carat, cut }) => (carat < 0.5 ? 0.93 : 1.05) * (cut === "Ideal" ? 1.08 : 1),
  );
  expect(findFaults(both)).toBe("");
});

test("a model that knows less of a grade has a fault", () => {
  const random = createRandom(5);
  const worse = createPrices(2, ({ color }) => (color === "J" ? 0.8 + 0.4 * random() : 1));
  expect(findFaults(worse)).toMatch(/the MAE rises from .* for color J/);
  const comparisons = comparePrices(stones, worse, champion);
  expect(findPriceFaults(comparisons, "m@1", false)).toEqual([]);
});

test("the comparison has all stones and each group, with ratio and errors", () => {
  const two = [
    { ...stones[0]!, carat: 0.3, cut: "Ideal" as const, price: 100 },
    { ...stones[0]!, carat: 0.3, cut: "Fair" as const, price: 200 },
  ];
  const comparisons = comparePrices(two, [110, 220], [100, 190]);
  expect(comparisons[0]).toMatchObject({ name: "all", rows: 2, championMae: 5 });
  expect(comparisons[0]?.medianRatio).toBeCloseTo((110 / 100 + 220 / 190) / 2, 9);
  expect(comparisons.map(({ name, rows }) => `${name} ${rows}`)).toEqual(
    expect.arrayContaining(["0-0.5 carat 2", "cut Ideal 1", "cut Fair 1"]),
  );
  expect(comparisons).toHaveLength(1 + 1 + 2 + 1 + 1);
});

test("the ratio is described with the groups that moved most", () => {
  const factor = ({ cut }: PricedStone) => (cut === "Fair" ? 1.5 : cut === "Ideal" ? 0.5 : 1.08);
  expect(describePriceChange(comparePrices(stones, createPrices(1, factor), champion))).toBe(
    "1.080 on the same 2,000 test stones (0.500 for cut Ideal to 1.500 for cut Fair)",
  );
  expect(describePriceChange([])).toBeNull();
});
