/**
 * Compares the fit time and peak memory of the tree learner with those of real XGBoost (`hist` method, the
 * notebook's settings, binning included), in the same run.
 *
 *   node bench/boosting/fit-time.ts                     4,000, 43,136, 53,920 and 1,000,000 rows
 *   node bench/boosting/fit-time.ts --rows 4000 --runs 9
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "../../src/lib/statistics.ts";
import { fitEnsemble, XGBOOST_DEFAULTS } from "../../training/boosting/index.ts";
import { Benchmark } from "../support/benchmark.ts";
import { COLUMNS, createTable, loadDiamonds, type PriceTable } from "./diamonds.ts";
import { readFloats, writeFloats } from "./float-file.ts";
import { hasXGBoost, XGBoost } from "./xgboost.ts";

const TABLE_SIZES = [4000, 43_136, 53_920, 1_000_000];
const DEFAULT_RUNS = 5;
const HEAD = [
  ...["rows", "Facet, 1 thread", "2 threads", "XGBoost, 1 thread", "2 threads"],
  ...["best / best", "1 / 1", "2 / 2", "peak MB, Facet", "XGBoost"],
];

const benchmark = new Benchmark("boosting");
const withXGBoost = hasXGBoost();
const once = benchmark.getText("once");
if (once !== undefined) await printPeakMemory(once);
else await benchmark.run(compareFitTimes);

async function compareFitTimes(): Promise<void> {
  if (!withXGBoost) console.log("python3-xgboost is not installed: measuring only Facet's learner\n");
  const runs = benchmark.getNumber("runs", DEFAULT_RUNS);
  const diamonds = loadDiamonds();
  const rows: string[][] = [];
  for (const size of benchmark.getNumbers("rows", TABLE_SIZES)) {
    const table = createTable(diamonds, size);
    const file = join(benchmark.scratch, `${size}.bin`);
    writeFloats(file, [...table.x.columns, table.y]);
    rows.push((await measureRow(table, file, runs)).map((cell) => cell.replace("NaN", "-")));
  }
  benchmark.addTable({
    title: `Seconds to fit 100 trees of depth 6, binning included, medians of ${runs} alternating runs`,
    head: HEAD,
    rows,
  });
}

/** Measures one table. Returns the cells of its row in the printed table. */
async function measureRow(table: PriceTable, file: string, runs: number): Promise<string[]> {
  const { rows } = table.x;
  const xgboost = withXGBoost ? await XGBoost.start(rows, file) : null;
  const facetTimes: [number[], number[]] = [[], []];
  const xgboostTimes: [number[], number[]] = [[], []];
  // Run -1 warms up both programs and is not counted.
  for (let run = -1; run < runs; run++) {
    for (const threads of [1, 2] as const) {
      const start = performance.now();
      await fitEnsemble(table.x, table.y, XGBOOST_DEFAULTS, { threads });
      const seconds = (performance.now() - start) / 1000;
      const xgboostFit = await xgboost?.fit(threads);
      if (run < 0) continue;
      facetTimes[threads - 1]!.push(seconds);
      if (xgboostFit) xgboostTimes[threads - 1]!.push(xgboostFit.seconds);
    }
  }
  xgboost?.stop();
  const [facet1, facet2] = facetTimes.map(median) as [number, number];
  const [xgboost1, xgboost2] = xgboostTimes.map(median) as [number, number];
  const ratios = [
    Math.min(facet1, facet2) / Math.min(xgboost1, xgboost2),
    facet1 / xgboost1,
    facet2 / xgboost2,
  ];
  const peaks = [measureFacetPeakMegabytes(rows, file), await measureXGBoostPeakMegabytes(rows, file)];
  return [
    rows.toLocaleString("en"),
    ...[facet1, facet2, xgboost1, xgboost2].map((seconds) => seconds.toFixed(3)),
    ...ratios.map((ratio) => ratio.toFixed(2)),
    ...peaks.map((peak) => peak.toFixed(0)),
  ];
}

/** Measures the peak memory of a fresh process that reads the table and fits on 2 threads. */
function measureFacetPeakMegabytes(rows: number, file: string): number {
  const command = [fileURLToPath(import.meta.url), "--once", `${rows}:${file}:2`];
  return Number(spawnSync(process.execPath, command, { encoding: "utf8" }).stdout);
}

async function measureXGBoostPeakMegabytes(rows: number, file: string): Promise<number> {
  if (!withXGBoost) return Number.NaN;
  const xgboost = await XGBoost.start(rows, file);
  const { peakMegabytes } = await xgboost.fit(2);
  xgboost.stop();
  return peakMegabytes;
}

/** Fits once and prints the peak memory of this process in megabytes. */
async function printPeakMemory(fit: string): Promise<void> {
  const [rowsText, file, threads] = fit.split(":");
  const rows = Number(rowsText);
  const values = readFloats(file!);
  const columns = Array.from({ length: COLUMNS.length + 1 }, (_, i) =>
    values.subarray(i * rows, (i + 1) * rows),
  );
  const y = columns.pop()!;
  await fitEnsemble({ rows, columns }, y, XGBOOST_DEFAULTS, { threads: Number(threads) });
  console.log(process.resourceUsage().maxRSS / 1024);
}
