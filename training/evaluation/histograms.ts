import { GRADE_COLUMNS, GRADES, NUMBER_COLUMNS, type PricedStone } from "../../src/domain/diamond.ts";
import { findBin } from "../../src/domain/drift.ts";
import type { Histograms } from "../../src/domain/models/model-record.ts";

const HISTOGRAM_BINS = 10;

/**
 * Builds the histogram of each input over the training stones, and of the model's price over the test stones.
 */
export function buildHistograms(stones: readonly PricedStone[], prices: ArrayLike<number>): Histograms {
  return Object.fromEntries([
    ...NUMBER_COLUMNS.map((name) => [name, buildNumberHistogram(stones.map((stone) => stone[name]))]),
    ["price", buildNumberHistogram(Array.from(prices))],
    ...GRADE_COLUMNS.map((name) => {
      const counts = Object.fromEntries(GRADES[name].map((grade) => [grade, 0]));
      for (const stone of stones) counts[stone[name]]! += 1;
      return [name, { counts }];
    }),
  ]);
}

/** Builds a histogram with bins of equal counts. The counts differ if many values are equal. */
function buildNumberHistogram(values: readonly number[]): Histograms[string] {
  const sorted = Float64Array.from(values).sort();
  const quantiles = Array.from(
    { length: HISTOGRAM_BINS - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / HISTOGRAM_BINS)]!,
  );
  const edges = [...new Set(quantiles)].filter((edge) => edge > sorted[0]!);
  const counts = Object.fromEntries(Array.from({ length: edges.length + 1 }, (_, bin) => [bin, 0]));
  for (const value of values) counts[findBin(edges, value)]! += 1;
  return { edges, counts };
}
