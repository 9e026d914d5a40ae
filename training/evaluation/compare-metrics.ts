import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { Metrics } from "../../src/domain/models/model-record.ts";

/** The errors of a candidate and of the champion on the same stones: all stones or a carat band. */
export interface MetricsComparison {
  /** Name of the carat band, or `all`. */
  readonly name: string;
  readonly rows: number;
  /** Mean absolute error of the candidate, US dollars. */
  readonly mae: number;
  /** Mean absolute error of the champion, US dollars; null if the champion has no stone in the band. */
  readonly championMae: number | null;
  /** Relative change from the champion's MAE to the candidate's; null if it cannot be computed. */
  readonly change: number | null;
}

/** Compares a candidate with the champion: first on all stones, then per carat band. */
export function compareMetrics(candidate: Metrics, champion: Metrics): MetricsComparison[] {
  const bands = CARAT_BANDS.flatMap(({ name }) => {
    const figures = candidate.bands[name];
    return figures === undefined ? [] : [{ name, figures, championFigures: champion.bands[name] }];
  });
  const all = { name: "all", figures: candidate, championFigures: champion };
  return [all, ...bands].map(({ name, figures, championFigures }) => ({
    name,
    rows: figures.rows,
    mae: figures.mae,
    championMae: championFigures?.mae ?? null,
    change:
      championFigures === undefined || championFigures.mae === 0
        ? null
        : figures.mae / championFigures.mae - 1,
  }));
}
