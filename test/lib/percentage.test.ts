import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashText } from "../../src/lib/hash.ts";
import { isInPercentage } from "../../src/lib/percentage.ts";

/** Keys that differ little, as those of real callers do. */
const KEYS = Array.from({ length: 100_000 }, (_, i) => `log-linear@4 customer-${i}`);

describe("isInPercentage", () => {
  it("has no key at 0 and every key at 100", () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        expect(isInPercentage(key, 0)).toBe(false);
        expect(isInPercentage(key, 100)).toBe(true);
      }),
    );
  });

  it("does not have the key with the smallest hash at 0", () => {
    // These four characters have the FNV-1a hash 0, which the mixing leaves at 0.
    const key = "\u00cc\u0024\u0031\u00c4";
    expect(hashText(key)).toBe(0);
    expect(isInPercentage(key, 0)).toBe(false);
    expect(isInPercentage(key, 0.001)).toBe(true);
  });

  it.each([1, 10, 50, 99])("has about %i percent of many similar keys", (percent) => {
    const count = KEYS.filter((key) => isInPercentage(key, percent)).length;
    const expected = (KEYS.length * percent) / 100;
    // Five standard deviations of the binomial distribution.
    const tolerance = 5 * Math.sqrt(expected * (1 - percent / 100));
    expect(Math.abs(count - expected)).toBeLessThan(tolerance);
  });

  it("spreads similar keys evenly over all percentages", () => {
    const counts = new Array<number>(100).fill(0);
    for (const key of KEYS.slice(0, 20_000)) {
      let bucket = 0;
      while (!isInPercentage(key, bucket + 1)) bucket++;
      counts[bucket]!++;
    }
    const expected = 20_000 / 100;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // The 99.99 % quantile of the chi-square distribution with 99 degrees of freedom is 161.3.
    expect(chiSquare).toBeLessThan(161.3);
  });

  it("keeps a key when the percentage grows", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(100), fc.nat(100), (key, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(isInPercentage(key, low) && !isInPercentage(key, high)).toBe(false);
      }),
    );
  });

  // Another hash would move callers to another version in the middle of a canary. The expected numbers are
  // hash / 2^32 * 100, computed once with FNV-1a and MurmurHash3's finaliser written in one function.
  it.each([
    ["a", 10.352622],
    ["customer-1", 90.855449],
    ["log-linear@4 customer-1", 1.873734],
  ])("%o belongs to every percentage above %f", (key, threshold) => {
    expect(isInPercentage(key, threshold - 0.001)).toBe(false);
    expect(isInPercentage(key, threshold + 0.001)).toBe(true);
  });
});
