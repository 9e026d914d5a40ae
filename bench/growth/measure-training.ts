import { median } from "../../src/lib/statistics.ts";
import { fitEnsemble, XGBOOST_DEFAULTS } from "../../training/boosting/index.ts";
import { createTable, loadDiamonds } from "../boosting/diamonds.ts";
import type { Benchmark } from "../support/benchmark.ts";
import type { Series } from "../support/results.ts";

const DEFAULT_SIZES = [5_000, 53_920, 1_000_000];
const THREADS = 2;

/** Measures the fit of 100 trees of depth 6, by the number of training rows. */
export async function measureTraining(benchmark: Benchmark): Promise<Series> {
  const diamonds = loadDiamonds();
  const tables = benchmark
    .getNumbers("training-rows", DEFAULT_SIZES)
    .map((size) => ({ size, table: createTable(diamonds, size), durations: [] as number[] }));
  // Round -1 is the warm-up.
  for (let round = -1; round < benchmark.rounds; round++) {
    for (const { table, durations } of tables) {
      const startedAt = performance.now();
      await fitEnsemble(table.x, table.y, XGBOOST_DEFAULTS, { threads: THREADS });
      if (round >= 0) durations.push(performance.now() - startedAt);
    }
  }
  const points = tables.map(({ size, durations }) => ({ size, ms: median(durations) }));
  return { name: "training, 100 trees", unit: "stones", points };
}
