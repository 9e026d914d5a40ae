/**
 * Measures how the times grow with the amount of data.
 *
 *   npm run bench -- growth
 *   npm run bench -- growth --stones 53920,200000 --versions 10,100 --log-rows 1000,10000 --training-rows 5000,53920
 */
import { measureBatches } from "../serving/measure-batches.ts";
import { measureSimilar } from "../serving/measure-similar.ts";
import { Benchmark } from "../support/benchmark.ts";
import { computeGrowthExponent } from "../support/growth.ts";
import { formatNumber, type Series } from "../support/results.ts";
import { measureLog } from "./measure-log.ts";
import { measureRegistry } from "./measure-registry.ts";
import { measureTraining } from "./measure-training.ts";

const benchmark = new Benchmark("growth");
await benchmark.run(async () => {
  const all: Series[] = [await measureSimilar(benchmark), await measureBatches(benchmark)];
  for (const series of [
    ...(await measureRegistry(benchmark)),
    ...(await measureLog(benchmark)),
    await measureTraining(benchmark),
  ]) {
    benchmark.addSeries(series);
    all.push(series);
  }
  benchmark.addTable({
    title: "Growth: the time is proportional to size ^ exponent",
    head: ["", "by", "smallest", "ms", "largest", "ms", "exponent"],
    rows: all.map(({ name, unit, points }) => {
      const ends = [points[0]!, points.at(-1)!].flatMap(({ size, ms }) => [
        size.toLocaleString("en"),
        formatNumber(ms),
      ]);
      return [name, unit, ...ends, computeGrowthExponent(points).toFixed(2)];
    }),
  });
});
