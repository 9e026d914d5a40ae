import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { PricedStone } from "../../src/domain/diamond.ts";
import type { Figures, Metrics } from "../../src/domain/model-record.ts";
import { median } from "../../src/lib/statistics.ts";

/** Prices asked and answered for some stones, US dollars, one a stone. */
export interface Priced {
  readonly carats: readonly number[];
  readonly actual: readonly number[];
  readonly predicted: ArrayLike<number>;
}

/** The figures over all stones and per carat band; bands without stones are left out. */
export function evaluate(stones: Priced): Metrics {
  const rows = stones.carats.map((_, row) => row);
  const bands: Record<string, Figures> = {};
  for (const band of CARAT_BANDS) {
    const inside = rows.filter((row) => stones.carats[row]! >= band.from && stones.carats[row]! < band.to);
    if (inside.length > 0) bands[band.name] = figures(stones, inside);
  }
  return { ...figures(stones, rows), bands };
}

/** {@link evaluate} for stones with their prices. */
export function evaluateStones(stones: readonly PricedStone[], predicted: Float32Array): Metrics {
  return evaluate({
    carats: stones.map((stone) => stone.carat),
    actual: stones.map((stone) => stone.price),
    predicted,
  });
}

function figures({ actual, predicted }: Priced, rows: readonly number[]): Figures {
  const mean = rows.reduce((sum, row) => sum + actual[row]!, 0) / rows.length;
  let absolute = 0;
  let squared = 0;
  let total = 0;
  const relative: number[] = [];
  for (const row of rows) {
    const error = predicted[row]! - actual[row]!;
    absolute += Math.abs(error);
    squared += error * error;
    total += (actual[row]! - mean) ** 2;
    relative.push(Math.abs(error) / actual[row]!);
  }
  const count = rows.length;
  return {
    mae: absolute / count,
    rmse: Math.sqrt(squared / count),
    r2: total > 0 ? 1 - squared / total : null,
    mape: relative.reduce((sum, value) => sum + value, 0) / count,
    medianApe: median(relative),
    within10: relative.filter((value) => value <= 0.1).length / count,
    rows: count,
  };
}
