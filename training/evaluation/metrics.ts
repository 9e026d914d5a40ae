import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { PricedStone } from "../../src/domain/diamond.ts";
import type { Figures, Metrics } from "../../src/domain/models/model-record.ts";
import { median } from "../../src/lib/statistics.ts";

/** The properties of a stone that the metrics use: its weight in carats and its price in US dollars. */
type EvaluatedStone = Pick<PricedStone, "carat" | "price">;

/**
 * Computes the figures over all stones and per carat band. Bands without stones are omitted.
 * @param predicted the predicted price of each stone, US dollars
 */
export function computeMetrics(stones: readonly EvaluatedStone[], predicted: ArrayLike<number>): Metrics {
  const rows = stones.map((_, row) => row);
  const bands: Record<string, Figures> = {};
  for (const band of CARAT_BANDS) {
    const bandRows = rows.filter((row) => stones[row]!.carat >= band.from && stones[row]!.carat < band.to);
    if (bandRows.length > 0) bands[band.name] = computeFigures(stones, predicted, bandRows);
  }
  return { ...computeFigures(stones, predicted, rows), bands };
}

function computeFigures(
  stones: readonly EvaluatedStone[],
  predicted: ArrayLike<number>,
  rows: readonly number[],
): Figures {
  const count = rows.length;
  const mean = rows.reduce((sum, row) => sum + stones[row]!.price, 0) / count;
  let absoluteSum = 0;
  let squaredSum = 0;
  let totalSum = 0;
  const relativeErrors: number[] = [];
  for (const row of rows) {
    const { price } = stones[row]!;
    const error = predicted[row]! - price;
    absoluteSum += Math.abs(error);
    squaredSum += error * error;
    totalSum += (price - mean) ** 2;
    relativeErrors.push(Math.abs(error) / price);
  }
  return {
    mae: absoluteSum / count,
    rmse: Math.sqrt(squaredSum / count),
    r2: totalSum > 0 ? 1 - squaredSum / totalSum : null,
    mape: relativeErrors.reduce((sum, value) => sum + value, 0) / count,
    medianApe: median(relativeErrors),
    within10: relativeErrors.filter((value) => value <= 0.1).length / count,
    rows: count,
  };
}
