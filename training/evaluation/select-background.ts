import {
  GRADE_COLUMNS,
  GRADES,
  NUMBER_COLUMNS,
  type PricedStone,
  type Stone,
} from "../../src/domain/diamond.ts";
import type { Background } from "../../src/domain/prediction/explanation.ts";
import { findImplausibleValues, type Plausibility } from "../../src/domain/prediction/plausibility.ts";
import { randomUint32 } from "../boosting/random.ts";

/** docs/experiments.md has the error and the time of other sizes. */
export const BACKGROUND_STONES = 32;
/** Each place is tried with this many stones, this many times. */
const CANDIDATES = 100;
const PASSES = 3;

/** The properties whose means the background shares with the training stones. */
const PROPERTIES: readonly ((stone: PricedStone) => number)[] = [
  (stone) => Math.log(stone.price),
  (stone) => Math.log(stone.carat),
  ...GRADE_COLUMNS.map(
    (name) => (stone: PricedStone) => (GRADES[name] as readonly string[]).indexOf(stone[name]),
  ),
  (stone) => stone.depth,
  (stone) => stone.table,
];

/**
 * Selects the stones that explanations compare a stone with. Each stands for an equal part of the training
 * stones in order of price. Stones are exchanged within their part until the means of the properties are close
 * to those of all stones: so a few stones give nearly the same reasons as thousands. Stones with implausible
 * values are not selected. With fewer stones than places, all are the background.
 */
export function selectBackground(
  stones: readonly PricedStone[],
  plausibility: Plausibility | null,
  seed: number,
  size = BACKGROUND_STONES,
): Background {
  const places = Math.min(size, stones.length);
  const sorted = stones.toSorted((a, b) => a.price - b.price);
  const standardize = createStandardizer(stones);
  let drawn = 0;
  const draw = (place: number): PricedStone => {
    const from = Math.floor((place * sorted.length) / places);
    const to = Math.floor(((place + 1) * sorted.length) / places);
    return sorted[from + (randomUint32(seed, drawn++) % (to - from))]!;
  };

  const selected = Array.from({ length: places }, (_, place) => draw(place));
  const values = selected.map(standardize);
  let sums = values.reduce(
    addTo,
    PROPERTIES.map(() => 0),
  );
  for (let pass = 0; pass < PASSES; pass++) {
    for (let place = 0; place < places; place++) {
      for (let i = 0; i < CANDIDATES; i++) {
        const candidate = draw(place);
        const candidateValues = standardize(candidate);
        const newSums = sums.map((sum, k) => sum - values[place]![k]! + candidateValues[k]!);
        const isReplaced = isImplausible(selected[place]!, plausibility);
        if (!isReplaced && squaredNorm(newSums) >= squaredNorm(sums)) continue;
        if (isImplausible(candidate, plausibility)) continue;
        selected[place] = candidate;
        values[place] = candidateValues;
        sums = newSums;
      }
    }
  }
  return toColumns(selected);
}

/** Converts the properties of a stone to differences from their means, in standard deviations. */
function createStandardizer(stones: readonly PricedStone[]): (stone: PricedStone) => number[] {
  const scales = PROPERTIES.map((property) => {
    const mean = stones.reduce((sum, stone) => sum + property(stone), 0) / stones.length;
    const variance = stones.reduce((sum, stone) => sum + (property(stone) - mean) ** 2, 0) / stones.length;
    return { property, mean, deviation: Math.sqrt(variance) || 1 };
  });
  return (stone) => scales.map(({ property, mean, deviation }) => (property(stone) - mean) / deviation);
}

function isImplausible(stone: Stone, plausibility: Plausibility | null): boolean {
  return plausibility !== null && findImplausibleValues(plausibility, stone).length > 0;
}

function addTo(sums: readonly number[], values: readonly number[]): number[] {
  return sums.map((sum, k) => sum + values[k]!);
}

function squaredNorm(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function toColumns(stones: readonly PricedStone[]): Background {
  return Object.fromEntries(
    [...NUMBER_COLUMNS, ...GRADE_COLUMNS].map((name) => [name, stones.map((stone) => stone[name])]),
  ) as Background;
}
