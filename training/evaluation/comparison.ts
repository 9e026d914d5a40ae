import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { Metrics } from "../../src/domain/model-record.ts";

/** Two models on the same stones: of a carat band, or of all. */
export interface Comparison {
  /** Name of the band; `all`. */
  readonly name: string;
  readonly rows: number;
  /** Mean absolute errors, US dollars; the champion's is null where it has no stone there. */
  readonly mae: number;
  readonly championMae: number | null;
  /** By how much the challenger's is larger, as a fraction; null where that says nothing. */
  readonly change: number | null;
}

/** A challenger beside the champion: all stones first, then band by band. */
export function compareMetrics(challenger: Metrics, champion: Metrics): Comparison[] {
  const bands = CARAT_BANDS.flatMap(({ name }) => {
    const figures = challenger.bands[name];
    return figures === undefined ? [] : [{ name, mine: figures, theirs: champion.bands[name] }];
  });
  return [{ name: "all", mine: challenger, theirs: champion }, ...bands].map(({ name, mine, theirs }) => ({
    name,
    rows: mine.rows,
    mae: mine.mae,
    championMae: theirs?.mae ?? null,
    change: theirs === undefined || theirs.mae === 0 ? null : mine.mae / theirs.mae - 1,
  }));
}
