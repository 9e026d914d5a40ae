import { mix32 } from "../../src/lib/hash.ts";
import type { DatasetStone } from "./dataset-stone.ts";

const FOLD_SALT = 0x5bd1_e995;

/**
 * Divides stones into folds and returns the fold of each, from 0. It depends only on a stone's measurements
 * and the seed. Exact duplicates are in the same fold, and a stone stays in its fold when the data grows.
 */
export function assignFolds(
  stones: readonly Pick<DatasetStone, "splitKey">[],
  folds: number,
  seed: number,
): number[] {
  return stones.map(({ splitKey }) => mix32(splitKey ^ mix32(seed ^ FOLD_SALT)) % folds);
}
