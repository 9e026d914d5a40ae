/**
 * The tree learner beside real XGBoost (`hist`, the notebook's settings, binning included), in one run.
 *
 *   node bench/boosting.ts              fit times at 4,000, 43,136, 53,920 and 1,000,000 rows, and peak memory
 *   node bench/boosting.ts --rows 4000  one size; --runs 9 instead of 5
 *   node bench/boosting.ts --accuracy   test error over 10 random splits, beside XGBoost's on the same rows
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  fitEnsemble,
  type Matrix,
  predictEnsemble,
  XGBOOST_DEFAULTS,
} from "../../training/boosting/index.ts";
import {
  COLUMNS,
  type Diamonds,
  generator,
  loadDiamonds,
  meanAbsoluteError,
  median,
  pick,
  shuffled,
} from "./diamonds.ts";
import { hasXGBoost, XGBoost } from "./xgboost.ts";

/** XGBoost 1.7.4 at these settings, mean of 10 random splits 80/20 of the same stones. */
const REFERENCE_MAE = 275.4;
const SIZES = [4000, 43_136, 53_920, 1_000_000];

const { values: options } = parseArgs({
  options: {
    rows: { type: "string" },
    runs: { type: "string", default: "5" },
    accuracy: { type: "boolean", default: false },
    /** Used by the bench itself: a fit in a fresh process, `ROWS:FILE:THREADS`. */
    once: { type: "string" },
  },
});
const withXGBoost = hasXGBoost();
const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

if (options.once) await fitOnce(options.once);
else {
  if (!withXGBoost) console.log("python3-xgboost is not installed: only our own figures\n");
  if (options.accuracy) await compareAccuracy();
  else await compareTimes(options.rows ? [Number(options.rows)] : SIZES);
}

async function compareTimes(sizes: readonly number[]): Promise<void> {
  const runs = Number(options.runs);
  console.log(`Seconds to fit 100 trees of depth 6, binning included: medians of ${runs} alternating runs\n`);
  console.log(
    "| rows | ours, 1 thread | 2 threads | XGBoost, 1 thread | 2 threads | better / better | 1 / 1 | 2 / 2 | peak MB, ours | XGBoost |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|");
  const stones = loadDiamonds();
  for (const rows of sizes) {
    const table = rows > stones.price.length ? jittered(stones, rows) : sample(stones, rows);
    const file = write(`${rows}.bin`, [...table.x.columns, table.y]);
    const xgboost = withXGBoost ? await XGBoost.start(rows, file) : null;
    const ours: [number[], number[]] = [[], []];
    const theirs: [number[], number[]] = [[], []];
    for (let run = -1; run < runs; run++) {
      for (const threads of [1, 2] as const) {
        const start = performance.now();
        await fitEnsemble(table.x, table.y, XGBOOST_DEFAULTS, { threads });
        const seconds = (performance.now() - start) / 1000;
        const other = await xgboost?.fit(threads);
        // The first round warms both up.
        if (run < 0) continue;
        ours[threads - 1]!.push(seconds);
        if (other) theirs[threads - 1]!.push(other.seconds);
      }
    }
    xgboost?.stop();
    const [our1, our2, their1, their2] = [...ours, ...theirs].map((times) =>
      times.length ? median(times) : Number.NaN,
    ) as [number, number, number, number];
    const ratios = [Math.min(our1, our2) / Math.min(their1, their2), our1 / their1, our2 / their2];
    const peaks = [ownPeak(rows, file), await theirPeak(rows, file)];
    const cells = [
      rows.toLocaleString("en"),
      ...[our1, our2, their1, their2].map((seconds) => seconds.toFixed(3)),
      ...ratios.map((ratio) => ratio.toFixed(2)),
      ...peaks.map((peak) => peak.toFixed(0)),
    ];
    console.log(`| ${cells.map((cell) => cell.replace("NaN", "-")).join(" | ")} |`);
  }
}

/** Peak memory of a fresh process that reads the table and fits on 2 threads. */
function ownPeak(rows: number, file: string): number {
  const command = [fileURLToPath(import.meta.url), "--once", `${rows}:${file}:2`];
  return Number(spawnSync(process.execPath, command, { encoding: "utf8" }).stdout);
}

async function theirPeak(rows: number, file: string): Promise<number> {
  if (!withXGBoost) return Number.NaN;
  const xgboost = await XGBoost.start(rows, file);
  const { peakMegabytes } = await xgboost.fit(2);
  xgboost.stop();
  return peakMegabytes;
}

async function fitOnce(what: string): Promise<void> {
  const [rows, file, threads] = what.split(":");
  const values = floats(file!);
  const columns = Array.from({ length: COLUMNS.length + 1 }, (_, i) =>
    values.subarray(i * Number(rows), (i + 1) * Number(rows)),
  );
  const y = columns.pop()!;
  await fitEnsemble({ rows: Number(rows), columns }, y, XGBOOST_DEFAULTS, { threads: Number(threads) });
  console.log(process.resourceUsage().maxRSS / 1024);
}

async function compareAccuracy(): Promise<void> {
  const stones = loadDiamonds();
  const errors: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let seed = 1; seed <= 10; seed++) {
    const order = shuffled(stones.price.length, seed);
    const size = Math.round(order.length / 5);
    const [test, train] = [take(stones, order.slice(0, size)), take(stones, order.slice(size))];
    const ours = predictEnsemble(await fitEnsemble(train.x, train.y, XGBOOST_DEFAULTS), test.x);
    errors.ours.push(meanAbsoluteError(ours, test.y));
    if (!withXGBoost) continue;
    const xgboost = await XGBoost.start(train.x.rows, write("train.bin", [...train.x.columns, train.y]));
    await xgboost.fit(2);
    await xgboost.predict(size, write("test.bin", test.x.columns), join(folder, "predicted.bin"));
    xgboost.stop();
    errors.theirs.push(meanAbsoluteError(floats(join(folder, "predicted.bin")), test.y));
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const ours = mean(errors.ours);
  console.log("Test MAE in dollars at the notebook's settings, mean of 10 random splits 80/20");
  console.log(
    `ours ${ours.toFixed(2)}, ${((ours / REFERENCE_MAE - 1) * 100).toFixed(2)} % from the reference ${REFERENCE_MAE}`,
  );
  if (withXGBoost) console.log(`XGBoost on the same rows ${mean(errors.theirs).toFixed(2)}`);
}

function sample(stones: Diamonds, rows: number): { x: Matrix; y: Float32Array } {
  return take(stones, shuffled(stones.price.length, 1).slice(0, rows));
}

function take(stones: Diamonds, rows: Int32Array): { x: Matrix; y: Float32Array } {
  return {
    x: { rows: rows.length, columns: COLUMNS.map((name) => pick(stones[name], rows)) },
    y: pick(stones.price, rows),
  };
}

/** Stones drawn with replacement, measurements and price jittered by a few per mille: a large table of the same shape. */
function jittered(stones: Diamonds, rows: number): { x: Matrix; y: Float32Array } {
  const random = generator(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const table = take(
    stones,
    Int32Array.from({ length: rows }, () => Math.floor(random() * stones.price.length)),
  );
  const relative: Partial<Record<(typeof COLUMNS)[number], number>> = {
    carat: 0.01,
    x: 0.005,
    y: 0.005,
    z: 0.005,
  };
  const absolute: typeof relative = { depth: 0.1, table: 0.2 };
  COLUMNS.forEach((name, feature) => {
    const column = table.x.columns[feature]!;
    for (let row = 0; row < rows; row++) {
      column[row] =
        column[row]! * Math.exp((relative[name] ?? 0) * normal()) + (absolute[name] ?? 0) * normal();
    }
  });
  return { x: table.x, y: table.y.map((price) => price * Math.exp(0.03 * normal())) };
}

function write(name: string, columns: readonly Float32Array[]): string {
  const file = join(folder, name);
  writeFileSync(file, "");
  for (const column of columns) writeFileSync(file, column, { flag: "a" });
  return file;
}

function floats(file: string): Float32Array {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
