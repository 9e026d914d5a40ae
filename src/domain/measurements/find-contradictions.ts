/**
 * Finds contradictions in the stones of one file or request. What may be a misprint in one stone is a wrong unit or an
 * exchanged column if many stones have it.
 */
import { type Contradiction, describePercentages, describeSizes } from "./describe.ts";
import {
  describeDepthInTable,
  findContradiction,
  fitsExchangedDepth,
  guessDepthUnit,
  guessTableUnit,
  isUsual,
  MIN_PERCENT,
  USUAL_LENGTH_UNITS,
} from "./find-contradiction.ts";
import { computeDepth, fits, type Measurements, scale } from "./relations.ts";

/** So many stones, and this fraction of all, must have the same fault. Misprints are far rarer. */
const MIN_STONES = 5;
const MIN_FRACTION = 0.2;

/** A fault that many stones may have. */
interface Pattern {
  /** Whether a stone is evidence for the fault. */
  readonly matches: (stone: Measurements) => boolean;
  /** Whether a stone is rejected once there is enough evidence. Default: as for the evidence. */
  readonly isAffected?: (stone: Measurements) => boolean;
  readonly describe: (stone: Measurements) => Contradiction;
}

const EXCHANGED: Pattern = {
  matches: (stone) => fitsExchangedDepth(stone, 0.5, 1),
  isAffected: (stone) => {
    const expected = computeDepth(stone);
    return Math.abs(stone.table - expected) < Math.abs(stone.depth - expected);
  },
  describe: describeDepthInTable,
};

const PATTERNS: readonly Pattern[] = [
  EXCHANGED,
  {
    matches: ({ depth }) => depth < MIN_PERCENT,
    describe: (stone) => describePercentages(stone, ["depth"], guessDepthUnit(stone)),
  },
  {
    matches: ({ table }) => table < MIN_PERCENT,
    describe: (stone) => describePercentages(stone, ["table"], guessTableUnit(stone)),
  },
  ...(["x", "y", "z"] as const).flatMap((name) =>
    USUAL_LENGTH_UNITS.map(
      ([factor, unit]): Pattern => ({
        matches: (stone) => fits(scale(stone, [name], factor), 3),
        describe: (stone) => describeSizes(stone, [name], unit),
      }),
    ),
  ),
];

/** Finds the contradiction of each stone of a list; null for a stone without one. Numbers must be above 0. */
export function findContradictions(stones: readonly Measurements[]): (Contradiction | null)[] {
  const found: (Contradiction | null)[] = new Array(stones.length).fill(null);
  const unusual = [...stones.keys()].filter((i) => !isUsual(stones[i]!, 1));
  for (const i of unusual) found[i] = findContradiction(stones[i]!);
  const minStones = Math.max(MIN_STONES, MIN_FRACTION * stones.length);
  if (unusual.length < minStones) return found;
  for (const { matches, isAffected = matches, describe } of PATTERNS) {
    if (unusual.filter((i) => matches(stones[i]!)).length < minStones) continue;
    for (const [i, stone] of stones.entries()) if (isAffected(stone)) found[i] ??= describe(stone);
  }
  return found;
}
