import { describe, expect, it } from "vitest";
import { checkPrices } from "../../../training/appraisals/check-prices.ts";
import { createAppraisals } from "./new-appraisals.ts";

const countByKey = (held: ReturnType<typeof checkPrices>) =>
  Object.fromEntries(
    Array.from(
      Map.groupBy(held, ({ appraisal }) => appraisal.key),
      ([key, group]) => [key, group.length],
    ),
  );

describe("checkPrices", () => {
  it("holds all stones of a key whose median ratio is too high, and none of another key", () => {
    const held = checkPrices([
      ...createAppraisals({ count: 300, ratio: 1.45, key: "wrong" }),
      ...createAppraisals({ count: 300, ratio: 1.08, key: "right" }),
    ]);
    expect(countByKey(held)).toEqual({ wrong: 300 });
    expect(held[0]?.failure).toEqual({
      bound: "median",
      reason: expect.stringMatching(/^all, one key: 300 new prices are 1.45 times the champion's prices/),
    });
  });

  it("holds only the carat band or the grade with wrong prices", () => {
    const large = createAppraisals({ count: 50, ratio: 1.45, carat: 2.5 });
    const pale = createAppraisals({ count: 40, ratio: 0.7, color: "J" });
    const held = checkPrices([...createAppraisals({ count: 500 }), ...large, ...pale]);
    expect(new Set(held.map(({ appraisal }) => appraisal))).toEqual(new Set([...large, ...pale]));
    expect(new Set(held.map(({ failure }) => failure.reason.split(",")[0]))).toEqual(
      new Set(["2+ carat", "color J"]),
    );
  });

  it("checks keys with few stones together", () => {
    const keys = ["a", "b", "c"];
    const held = checkPrices([
      ...keys.flatMap((key) => createAppraisals({ count: 29, ratio: 1.45, key })),
      ...createAppraisals({ count: 100, key: "right" }),
    ]);
    expect(countByKey(held)).toEqual({ a: 29, b: 29, c: 29 });
  });

  it("checks the carat bands of keys together if each has few stones there", () => {
    const held = checkPrices(
      ["a", "b", "c"].flatMap((key) => [
        ...createAppraisals({ count: 300, key }),
        ...createAppraisals({ count: 20, ratio: 1.45, carat: 2.5, key }),
      ]),
    );
    expect(countByKey(held)).toEqual({ a: 20, b: 20, c: 20 });
  });

  it("holds a few stones only if they are far off, as the API does", () => {
    expect(checkPrices(createAppraisals({ count: 3, ratio: 1.45 }))).toEqual([]);
    expect(checkPrices(createAppraisals({ count: 3, ratio: 10 }))).toHaveLength(3);
    expect(checkPrices(createAppraisals({ count: 10, ratio: (i) => (i < 2 ? 10 : 1) }))).toEqual([]);
  });

  it("holds nothing without a champion", () => {
    expect(checkPrices(createAppraisals({ count: 100, ratio: 10, hasChampion: false }))).toEqual([]);
  });
});
