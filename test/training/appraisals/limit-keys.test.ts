import { describe, expect, it } from "vitest";
import { limitKeys } from "../../../training/appraisals/limit-keys.ts";
import { createAppraisals } from "./new-appraisals.ts";

const createStones = (...options: Parameters<typeof createAppraisals>) =>
  createAppraisals(...options).map(({ stone }) => stone);

/** 5,000 stones, 200 of them of 2 carat and more. */
const BASE = [...createStones({ count: 4_800 }), ...createStones({ count: 200, carat: 2.5 })];
const NO_KEYS = { stones: BASE, byKey: new Map() };

describe("limitKeys", () => {
  it("takes a tenth of the stones of others from each key, and holds the newest", () => {
    const appraisals = createAppraisals({ count: 800 });
    const held = limitKeys(
      [...appraisals.toReversed(), ...createAppraisals({ count: 500, key: "b" })],
      NO_KEYS,
    );
    expect(new Set(held.map(({ appraisal }) => appraisal))).toEqual(new Set(appraisals.slice(500)));
    expect(held[0]?.failure).toEqual({
      bound: "quota",
      reason: "more stones of one key than 10 % of the stones of others",
    });
  });

  it("counts what the key sent in earlier runs", () => {
    const earlier = createStones({ count: 400 });
    const base = { stones: [...BASE, ...earlier], byKey: new Map([["dealer", earlier]]) };
    expect(limitKeys(createAppraisals({ count: 300 }), base)).toHaveLength(200);
    expect(limitKeys(createAppraisals({ count: 300, key: "b" }), base)).toHaveLength(0);
  });

  it("takes 100 stones of a key in a small registry, also without a champion", () => {
    const base = { stones: createStones({ count: 50 }), byKey: new Map() };
    expect(limitKeys(createAppraisals({ count: 120 }), base)).toHaveLength(20);
    expect(limitKeys(createAppraisals({ count: 120, hasChampion: false }), base)).toHaveLength(20);
  });

  it("takes stones of one carat band if their prices are right", () => {
    const prices = { ratio: (i: number) => (i % 2 === 0 ? 1.09 : 0.92), carat: 2.5 };
    expect(limitKeys(createAppraisals({ count: 450, ...prices }), NO_KEYS)).toHaveLength(0);
  });

  it("takes the fewer stones of a carat band the farther their prices are off", () => {
    const hold = (ratio: number) => limitKeys(createAppraisals({ count: 450, ratio, carat: 2.5 }), NO_KEYS);
    // The shift log(1.08) may have 0.02 / 0.077 = 26 % of the stones, log(1.15) 14 %; the least are 100.
    expect(hold(1.01)).toHaveLength(0);
    expect(hold(1.05)).toHaveLength(450 - 139);
    expect(hold(1.24)).toHaveLength(450 - 100);
    expect(hold(1 / 1.24)).toHaveLength(450 - 100);
    expect(hold(1.24)[0]?.failure.reason).toMatch(/^2\+ carat: .*more than 2 %/);
  });
});
