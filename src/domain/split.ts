/**
 * Divides stones into a training split and a test split. The split of a stone depends only on its
 * measurements and the seed. It therefore stays the same when the data grows, and exact duplicates are in the
 * same split.
 *
 * Integers below 2^26 are multiplied, so the product is exact in float64.
 */
import { mix32 } from "../lib/hash.ts";

/** The largest prime below 2^26. Split keys and multipliers are below it. */
export const SPLIT_PRIME = 67_108_859;
const TEST_FRACTION = 0.2;
/** A stone is a test stone if (split key * multiplier) modulo `SPLIT_PRIME` is below this. */
export const TEST_BELOW = Math.floor(SPLIT_PRIME * TEST_FRACTION);
/** Published models depend on this number: another one would move stones between the splits. */
const SEED_SALT = 0x9e37_e78e;

/** Spreads a seed of up to 53 bits over the multipliers from 1 to `SPLIT_PRIME - 1`. */
export function splitMultiplier(seed: number): number {
  const seed32 = seed ^ Math.floor(seed / 2 ** 32);
  return (mix32(seed32 ^ SEED_SALT) % (SPLIT_PRIME - 1)) + 1;
}

/** Whether a stone with this split key is a test stone under this seed. */
export function isTestStone(splitKey: number, seed: number): boolean {
  return (splitKey * splitMultiplier(seed)) % SPLIT_PRIME < TEST_BELOW;
}
