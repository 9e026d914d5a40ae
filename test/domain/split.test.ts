import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTestStone, SPLIT_PRIME, splitMultiplier, TEST_BELOW } from "../../src/domain/split.ts";

const splitKey = fc.integer({ min: 0, max: SPLIT_PRIME - 1 });
const seed = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

/**
 * The formula that the first published models were split with. It adds the constant after the first shift.
 */
function computeOriginalMultiplier(value: number): number {
  let h = (value ^ Math.floor(value / 2 ** 32)) >>> 0;
  h = Math.imul(h ^ (h >>> 16) ^ 0x9e37_79b9, 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (((h ^ (h >>> 16)) >>> 0) % (SPLIT_PRIME - 1)) + 1;
}

describe("splitMultiplier", () => {
  it("is the multiplier that published models were split with", () => {
    for (let value = 0; value < 100_000; value++)
      if (splitMultiplier(value) !== computeOriginalMultiplier(value)) expect.fail(`seed ${value}`);
    fc.assert(
      fc.property(seed, (value) => {
        expect(splitMultiplier(value)).toBe(computeOriginalMultiplier(value));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    [0, 23_247_606],
    [1, 53_321_976],
    [42, 49_214_594],
    [2 ** 31, 32_322_829],
    [2 ** 53 - 1, 40_464_852],
  ])("of the seed %i is %i", (value, expected) => {
    expect(splitMultiplier(value)).toBe(expected);
  });

  it("lies in [1, SPLIT_PRIME)", () => {
    fc.assert(
      fc.property(seed, (value) => {
        expect(splitMultiplier(value)).toBeGreaterThanOrEqual(1);
        expect(splitMultiplier(value)).toBeLessThan(SPLIT_PRIME);
      }),
    );
  });
});

describe("isTestStone", () => {
  it("selects a fifth of all keys", () => {
    const total = 200_000;
    let count = 0;
    for (let i = 0; i < total; i++) if (isTestStone((i * 335) % SPLIT_PRIME, 42)) count++;
    expect(count / total).toBeCloseTo(0.2, 2);
  });

  it("agrees with the same formula in SQL", () => {
    const database = new DatabaseSync(":memory:");
    const query = database.prepare(
      `SELECT (CAST(? AS INTEGER) * CAST(? AS INTEGER)) % ${SPLIT_PRIME} < ${TEST_BELOW} AS test`,
    );
    fc.assert(
      fc.property(splitKey, seed, (key, value) => {
        expect(query.get(key, splitMultiplier(value))?.test).toBe(isTestStone(key, value) ? 1 : 0);
      }),
    );
  });
});
