import { NUMBER_COLUMNS, type PricedStone } from "../../src/domain/diamond.ts";
import type { Ranges } from "../../src/domain/models/model-record.ts";
import type { Background } from "../../src/domain/prediction/explanation.ts";
import type { Plausibility } from "../../src/domain/prediction/plausibility.ts";
import { fitPlausibility } from "./fit-plausibility.ts";
import { selectBackground } from "./select-background.ts";

/** What a model version keeps about its training stones. */
export interface TrainingStatistics {
  /** Smallest and largest value of each number column. */
  readonly ranges: Ranges;
  /** Null if there are too few stones for it. */
  readonly plausibility: Plausibility | null;
  readonly background: Background;
}

/** Statistics by list of stones. All models of a run have the same training stones. */
const cache = new WeakMap<readonly PricedStone[], TrainingStatistics>();

/** Computes the statistics of training stones. They depend on the stones and the seed, and not on a model. */
export function computeTrainingStatistics(stones: readonly PricedStone[], seed: number): TrainingStatistics {
  const cached = cache.get(stones);
  if (cached !== undefined) return cached;
  const plausibility = fitPlausibility(stones);
  const statistics = {
    ranges: computeRanges(stones),
    plausibility,
    background: selectBackground(stones, plausibility, seed),
  };
  cache.set(stones, statistics);
  return statistics;
}

function computeRanges(stones: readonly PricedStone[]): Ranges {
  return Object.fromEntries(
    NUMBER_COLUMNS.map((name) => {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (const stone of stones) {
        low = Math.min(low, stone[name]);
        high = Math.max(high, stone[name]);
      }
      return [name, [low, high]];
    }),
  );
}
