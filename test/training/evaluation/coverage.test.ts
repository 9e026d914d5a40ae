import { expect, test } from "vitest";
import {
  describeCoverage,
  findCoverageGaps,
  findNewGroups,
  selectCovered,
} from "../../../training/evaluation/coverage.ts";
import { createRandomStones } from "./random-stones.ts";

const stones = createRandomStones(3000);

test("a run that covers as much as the champion has no gaps", () => {
  expect(findCoverageGaps(stones, stones)).toEqual([]);
  expect(findCoverageGaps([...stones, ...createRandomStones(500, 2)], stones)).toEqual([]);
  // Another set of stones of the same kinds.
  expect(findCoverageGaps(createRandomStones(3000, 3), stones)).toEqual([]);
});

test("a random half has no gaps, also of groups of about 30 stones", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const champion = createRandomStones(240, seed);
    const half = champion.filter((_, i) => i % 2 === 0);
    expect(findCoverageGaps(half, champion), `seed ${seed}`).toEqual([]);
  }
});

test.each([
  ["carat", "1-1.5 carat", ({ carat }) => carat < 1 || carat >= 1.5],
  ["cut", "cut Very Good", ({ cut }) => cut !== "Very Good"],
  ["color", "color J", ({ color }) => color !== "J"],
  ["clarity", "clarity I1", ({ clarity }) => clarity !== "I1"],
] as [string, string, (stone: (typeof stones)[number]) => boolean][])(
  "a run without a group of %s is described",
  (_, name, keep) => {
    const missing = stones.filter((stone) => !keep(stone)).length;
    expect(findCoverageGaps(stones.filter(keep), stones)).toEqual([{ name, rows: 0, championRows: missing }]);
    // A few stones of the group are not enough either.
    let kept = 0;
    const few = stones.filter((stone) => keep(stone) || kept++ < missing / 10);
    expect(findCoverageGaps(few, stones)).toMatchObject([{ name }]);
  },
);

test("the description has the numbers of stones, the worst gaps first, and not all of them", () => {
  const small = stones.filter(({ carat, cut }) => carat < 0.5 && cut === "Ideal");
  const text = describeCoverage(findCoverageGaps(small, stones), small.length, stones.length, "m@1");
  expect(text).toMatch(/^the run has \d+ training stones against 3,000 of m@1, none of \S+/);
  expect(text).toMatch(/none of cut Fair \(against \d+\)/);
  expect(text).toMatch(/too few of \d+ other groups$/);
});

test("a group of which the champion had fewer than 30 stones is not compared", () => {
  const isFair = ({ cut }: (typeof stones)[number]) => cut === "Fair";
  const withoutFair = stones.filter((stone) => !isFair(stone));
  const few = [...withoutFair, ...stones.filter(isFair).slice(0, 29)];
  expect(findCoverageGaps(withoutFair, few)).toEqual([]);
  expect(findCoverageGaps(withoutFair, [...few, stones.findLast(isFair)!])).toHaveLength(1);
});

test("the stones of the gaps are left out", () => {
  const gaps = [
    { name: "all", rows: 1, championRows: 3000 },
    { name: "cut Fair", rows: 0, championRows: 600 },
    { name: "2+ carat", rows: 0, championRows: 600 },
  ];
  expect(selectCovered(stones, gaps)).toEqual(stones.filter(({ carat, cut }) => carat < 2 && cut !== "Fair"));
  expect(selectCovered(stones, [])).toEqual(stones);
});

test("groups that the run has and the champion hardly has are new", () => {
  const heavy = stones.filter(({ carat }) => carat >= 2);
  const light = stones.filter(({ carat }) => carat < 2);
  expect(findNewGroups(stones, stones)).toEqual([]);
  expect(findNewGroups(stones, [...light, ...heavy.slice(0, 9)])).toEqual(["2+ carat"]);
  expect(findNewGroups(stones, [...light, ...heavy.slice(0, 10)])).toEqual([]);
  expect(findNewGroups([...light, ...heavy.slice(0, 29)], light)).toEqual([]);
});
