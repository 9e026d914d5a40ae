import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkFeed,
  computeMedianRatio,
  findFeedFailure,
  relativeDeviation,
} from "../../src/domain/feed-check.ts";

/** Ten stones that the champion prices at 1000 dollars. */
const PREDICTED = new Array<number>(10).fill(1_000);
const createFeed = (...prices: number[]) => PREDICTED.map((price, i) => prices[i] ?? price);

describe("relativeDeviation", () => {
  it.each([
    [1_000, 1_000, 0],
    [1_500, 1_000, 0.5],
    [500, 1_000, 0.5],
    [1_000, 500, 1],
  ])("of %f from %f is %f", (actual, predicted, expected) => {
    expect(relativeDeviation(actual, predicted)).toBe(expected);
  });
});

describe("checkFeed", () => {
  it("accepts deviations of exactly a half, and finds larger ones in both directions", () => {
    expect(checkFeed(createFeed(1_500, 500), PREDICTED).suspicious).toBe(0);
    expect(checkFeed(createFeed(1_501), PREDICTED).suspicious).toBe(1);
    expect(checkFeed(createFeed(499), PREDICTED).suspicious).toBe(1);
  });

  it("rejects a feed with more than a fifth of suspicious prices", () => {
    expect(checkFeed(createFeed(1, 1), PREDICTED)).toEqual({
      rejected: false,
      suspicious: 2,
      rows: 10,
      medianRatio: 1,
    });
    expect(checkFeed(createFeed(1, 1, 1), PREDICTED)).toEqual({
      rejected: true,
      suspicious: 3,
      rows: 10,
      medianRatio: 1,
    });
  });

  it("accepts a market that moves by 10 %, and rejects prices in another unit", () => {
    const predicted = [500, 1_000, 5_000, 20_000];
    const moved = checkFeed(
      predicted.map((price) => price * 1.1),
      predicted,
    );
    expect(moved.rejected).toBe(false);
    expect(moved.medianRatio).toBeCloseTo(1.1, 10);
    const cents = checkFeed(
      predicted.map((price) => price * 100),
      predicted,
    );
    expect(cents).toMatchObject({ rejected: true, suspicious: 4 });
    expect(cents.medianRatio).toBeCloseTo(100, 10);
  });

  it("divides the median of the new prices by the median of the champion's prices", () => {
    // The medians of four rows are (20 + 30) / 2 and (10 + 40) / 2. The medians of three rows are 20 and 40.
    expect(checkFeed([10, 20, 30, 100], [5, 10, 40, 50]).medianRatio).toBe(1);
    expect(checkFeed([100, 10, 20], [40, 50, 30]).medianRatio).toBe(0.5);
  });

  it("accepts an empty feed, which has no median", () => {
    expect(checkFeed([], [])).toEqual({ rejected: false, suspicious: 0, rows: 0, medianRatio: Number.NaN });
  });

  it("rejects exactly when the suspicious fraction is above a fifth", () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), (good, bad) => {
        const actual = [...new Array<number>(good).fill(100), ...new Array<number>(bad).fill(1_000)];
        const check = checkFeed(actual, new Float32Array(actual.length).fill(100));
        expect(check.suspicious).toBe(bad);
        expect(check.rejected).toBe(bad * 5 > good + bad);
      }),
    );
  });
});

describe("the bound of the median", () => {
  const predicted = [500, 1_000, 5_000, 20_000, 3_000].flatMap((price) => Array<number>(8).fill(price));
  const scale = (factor: number, count = predicted.length) =>
    predicted.slice(0, count).map((price) => price * factor);

  it.each([0.85, 1, 1.08, 1.15, 1.24])("accepts prices that are %f times the champion's", (factor) => {
    expect(checkFeed(scale(factor), predicted).rejected).toBe(false);
    expect(findFeedFailure(scale(factor), predicted)).toBeNull();
  });

  it.each([0.55, 0.79, 1.26, 1.45])("rejects prices that are %f times the champion's", (factor) => {
    expect(checkFeed(scale(factor), predicted)).toMatchObject({ rejected: true, suspicious: 0 });
    expect(findFeedFailure(scale(factor), predicted, "the prices of m@1")).toEqual({
      bound: "median",
      reason: `40 new prices are ${factor} times the prices of m@1 (the median of the ratios); 0.8 to 1.25 is allowed`,
    });
  });

  it("does not judge fewer than 30 stones", () => {
    expect(checkFeed(scale(1.45, 29), predicted.slice(0, 29)).rejected).toBe(false);
    expect(checkFeed(scale(1.45, 30), predicted.slice(0, 30)).rejected).toBe(true);
  });

  it("compares stone by stone, and not the medians of both lists", () => {
    const actual = predicted.map((price, i) => (i < 21 ? price * 1.4 : price));
    expect(computeMedianRatio(actual, predicted)).toBeCloseTo(1.4, 10);
    expect(findFeedFailure(actual, predicted)?.bound).toBe("median");
  });
});

describe("findFeedFailure", () => {
  it("names the deviations first, with the median price", () => {
    expect(findFeedFailure(createFeed(...PREDICTED.map((price) => price * 10)), PREDICTED)).toEqual({
      bound: "deviation",
      reason:
        "10 of 10 new prices differ by more than 50 % from the champion's prices; the median price is 10 times the champion's",
    });
  });

  it.each([
    ["no number", Number.NaN],
    ["negative", -1_000],
    ["infinite", Number.POSITIVE_INFINITY],
  ])(
    "counts a stone as suspicious if the champion's price is %s, and prints no ratio without one",
    (_, price) => {
      const failure = findFeedFailure(PREDICTED, new Array<number>(10).fill(price));
      expect(failure?.reason).toMatch(/^10 of 10 new prices/);
      expect(failure?.reason).not.toMatch(/null|NaN|Infinity/);
    },
  );
});
