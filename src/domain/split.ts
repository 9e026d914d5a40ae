/**
 * The stable split: a stone's side depends on its measurements and the seed alone, so that it stays on
 * its side as data grows, and exact duplicates never straddle. One formula, in JavaScript for training
 * and in SQL for `similar`; both multiply integers below 2^26, which float64 and SQLite hold exactly.
 */

/** A prime just below 2^26: split keys and multipliers live below it. */
export const SPLIT_PRIME = 67_108_859;
const TEST_SHARE = 0.2;
/** Products below this are test stones. */
export const TEST_BELOW = Math.floor(SPLIT_PRIME * TEST_SHARE);

/** The seed's multiplier, in [1, SPLIT_PRIME): the seed spread by 32-bit mixing (murmur3's finaliser). */
export function splitMultiplier(seed: number): number {
  let h = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
  h = Math.imul(h ^ (h >>> 16) ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (((h ^ (h >>> 16)) >>> 0) % (SPLIT_PRIME - 1)) + 1;
}

/** Whether a stone with this split key is a test stone under this seed. */
export function isTestStone(splitKey: number, seed: number): boolean {
  return (splitKey * splitMultiplier(seed)) % SPLIT_PRIME < TEST_BELOW;
}
