/**
 * Exports every model, and compares the prices of MLflow and of onnxruntime in Python with those of the API.
 *
 *   npm run bench -- mlflow
 *
 * Installs the packages of the export's own requirements.txt in a virtual environment; `--venv FOLDER` keeps it.
 * The API answers whole cents: what is compared is the difference beyond this rounding. The prices that are not
 * rounded are compared with those of onnxruntime-web, the Worker's runtime.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import type { Stone } from "../../src/domain/diamond.ts";
import { readSources } from "../../training/data/read-sources.ts";
import { createEmbeddedSource } from "../../training/data/source.ts";
import { MODELS } from "../../training/models/index.ts";
import { predictPrices } from "../../training/onnx/predict-prices.ts";
import { startServer } from "../server/local-server.ts";
import { Benchmark } from "../support/benchmark.ts";
import { createVirtualEnvironment } from "../support/python-environment.ts";

const MAX_RELATIVE_DIFFERENCE = 1e-5;
/** The same for several threads, which add up the trees of a model in another order. */
const MAX_THREADED_DIFFERENCE = 1e-4;
/** The API rounds to whole cents. */
const MAX_ROUNDING = 0.005;
/** As many as one request of the API can have. */
const STONE_COUNT = 1_000;

/** How Python prices an export. */
const WAYS = {
  pyfunc: "mlflow.pyfunc",
  onnx: "mlflow.onnx",
  script: "predict.py",
  threaded: "mlflow.onnx, all threads",
} as const;

interface Measurement {
  /** US dollars. */
  readonly prices: readonly number[];
  readonly loadMs: number;
  readonly predictMs: number;
}
/** What mlflow_prices.py writes; `example` has the prices of the stones of `input_example.json`. */
type Measurements = Readonly<Record<keyof typeof WAYS | "example", Measurement>>;

const benchmark = new Benchmark("mlflow");
await benchmark.run(async () => {
  const stones = await chooseStones();
  const state = await benchmark.copyTrainedState();
  const exports = MODELS.map(({ name }) => ({ name, folder: join(benchmark.scratch, "exports", name) }));
  for (const { name, folder } of exports) exportModel(state, name, folder);
  const python = createVirtualEnvironment(
    benchmark.getText("venv") ?? join(benchmark.scratch, "venv"),
    join(exports[0]!.folder, "requirements.txt"),
  );
  if (python === null) {
    console.log(
      "python3 with venv is missing, or the packages could not be installed: nothing to compare with",
    );
    return;
  }
  const { url, stop } = await startServer(state, { vars: { ACCESS: "open", RATE_LIMITS: "off" } });
  const rows: string[][] = [];
  for (const { name, folder } of exports) {
    const measurements = measureInPython(python, folder, stones);
    const apiPrices = await requestPrices(url, name, stones);
    const runtimePrices = await predictPrices(readFileSync(join(folder, "model.onnx")), stones);
    for (const [way, label] of Object.entries(WAYS)) {
      const { prices, loadMs, predictMs } = measurements[way as keyof typeof WAYS];
      const differences = [
        findLargestDifference(prices, apiPrices, MAX_ROUNDING),
        findLargestDifference(prices, runtimePrices),
      ];
      // This form also finds NaN.
      const limit = way === "threaded" ? MAX_THREADED_DIFFERENCE : MAX_RELATIVE_DIFFERENCE;
      const isEqual = differences.every((difference) => difference <= limit);
      benchmark.require(isEqual, `${name}, ${label}: the prices differ`);
      const cells = differences.map((difference) => difference.toExponential(1));
      rows.push([`${name}: ${label}`, ...cells, loadMs.toFixed(0), predictMs.toFixed(1)]);
    }
    const record = await (await fetch(`${url}/v1/models/${name}/versions/1`)).json();
    const exported = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8")) as object;
    const isSameRecord = isDeepStrictEqual({ ...exported, report: record.report }, record);
    benchmark.require(isSameRecord, `${name}: metadata.json is not the record of the API`);
    const examplePrices = measurements.example.prices;
    benchmark.require(
      examplePrices.length > 0 && examplePrices.every((price) => price > 0),
      `${name}: the stones of its example have no prices`,
    );
  }
  await stop();
  benchmark.addTable({
    title: `Prices of ${stones.length} stones: largest relative difference, and times`,
    head: ["", "to the API, beyond its cents", "to onnxruntime-web", "load ms", "price ms"],
    rows,
  });
});

/** Chooses stones from all over the dataset. Half of them lack some measurements. */
async function chooseStones(): Promise<Stone[]> {
  const [source] = await readSources([createEmbeddedSource()]);
  const all = source?.stones ?? [];
  return Array.from({ length: STONE_COUNT }, (_, i) => {
    const { carat, cut, color, clarity, depth, table, x, y, z } =
      all[Math.floor((i * all.length) / STONE_COUNT)]!;
    const measurements = Object.entries({ depth, table, x, y, z });
    // The bits of this number say which of the five measurements are known.
    const known = i % 2 === 0 ? 0b11111 : Math.floor(i / 2) % 0b11111;
    const kept = measurements.filter((_, position) => (known >> position) & 1);
    return { carat, cut, color, clarity, ...Object.fromEntries(kept) };
  });
}

function exportModel(state: string, name: string, folder: string): void {
  const script = join(REPOSITORY_ROOT, "scripts/models.ts");
  execFileSync(process.execPath, [script, "export", name, "--out", folder, "--state", state], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function measureInPython(python: string, folder: string, stones: readonly Stone[]): Measurements {
  const [stonesFile, output] = ["stones.json", "prices.json"].map((name) => join(benchmark.scratch, name));
  writeFileSync(stonesFile!, JSON.stringify(stones));
  execFileSync(python, [join(import.meta.dirname, "mlflow_prices.py"), folder, stonesFile!, output!], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  return JSON.parse(readFileSync(output!, "utf8")) as Measurements;
}

async function requestPrices(url: string, model: string, stones: readonly Stone[]): Promise<number[]> {
  const response = await fetch(`${url}/v1/predictions/batch?model=${model}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ diamonds: stones }),
  });
  if (!response.ok) throw new Error(await response.text());
  const { predictions } = (await response.json()) as { predictions: { price: number }[] };
  return predictions.map(({ price }) => price);
}

/** @param tolerance absolute differences up to this are none, US dollars */
function findLargestDifference(
  prices: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = 0,
): number {
  if (prices.length !== expected.length) return Number.NaN;
  const differences = Array.from(expected, (price, i) => {
    return Math.max(0, Math.abs(prices[i]! - price) - tolerance) / price;
  });
  return Math.max(...differences);
}
