import { UserError } from "../../cloudflare/user-error.ts";
import { isTestStone } from "../../src/domain/split.ts";
import type { DatasetStone } from "./dataset-stone.ts";

/**
 * The stones of a dataset, divided into those that models are fitted on and those that they are tested on.
 */
export interface Split {
  readonly train: readonly DatasetStone[];
  readonly test: readonly DatasetStone[];
}

/** @throws UserError if there would be no training stones or no test stones */
export function splitStones(stones: readonly DatasetStone[], seed: number): Split {
  const train: DatasetStone[] = [];
  const test: DatasetStone[] = [];
  for (const stone of stones) (isTestStone(stone.splitKey, seed) ? test : train).push(stone);
  if (train.length === 0 || test.length === 0) {
    throw new UserError(`${stones.length} stones are too few to divide into training and test stones`);
  }
  return { train, test };
}
