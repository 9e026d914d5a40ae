/**
 * Compares Facet's own trees with XGBoost in one process and with XGBoost on Dask (examples/cluster): time, test
 * error and memory, at the features and settings of gradient-boosting.
 *
 *   npm run bench -- cluster                               54k, 1 million and 10 million stones: half an hour
 *   npm run bench -- cluster --rows 54000 --runs 1         a minute, after the installation of the packages
 *
 * The test stones are a fifth of the embedded dataset. 54k means the other four fifths. Larger tables are drawn from
 * these four fifths (training-rows.ts), so no test stone or copy of it is a training row.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { median } from "../../src/lib/statistics.ts";
import { assignIds, type DatasetStone } from "../../training/data/dataset-stone.ts";
import { writeStones } from "../../training/data/write-stones.ts";
import { fitCompletion } from "../../training/models/completion.ts";
import { gradientBoosting } from "../../training/models/gradient-boosting.ts";
import { buildPriceGraph } from "../../training/models/price-graph.ts";
import { predictPrices } from "../../training/onnx/predict-prices.ts";
import { readXgboostModel } from "../../training/xgboost/read-model.ts";
import { createXgboostNodes } from "../../training/xgboost/to-graph.ts";
import { computeMean, readStones, splitRandomly } from "../boosting/diamonds.ts";
import { Benchmark } from "../support/benchmark.ts";
import { createVirtualEnvironment } from "../support/python-environment.ts";
import { formatNumber } from "../support/results.ts";
import { type ProcessUsage, runProcess } from "./run-process.ts";
import { writeDrawnStones } from "./training-rows.ts";

const EXAMPLE = join(REPOSITORY_ROOT, "examples/cluster");
const ENVIRONMENT = join(REPOSITORY_ROOT, "node_modules/.cache/cluster-venv");
const TABLE_SIZES = [54_000, 1_000_000, 10_000_000];
const DEFAULT_RUNS = 3;
/** Larger tables are fitted once: the noise of a long fit is small. */
const MAX_ROWS_FOR_RUNS = 2_000_000;
const MAX_MINUTES = 180;
const SPLIT_SEED = 1;
const DEFAULT_TREES = Number(gradientBoosting.hyperparameters.rounds);

const MAX_ERROR_DIFFERENCE = 0.01;
const MAX_COORDINATOR_MEGABYTES = 512;
const MAX_TOTAL_MEGABYTES = 24 * 1024;

interface Fit extends ProcessUsage {
  readonly readSeconds: number;
  readonly fitSeconds: number;
  /** Mean absolute error on the test stones, US dollars. */
  readonly mae: number;
}

interface Variant {
  readonly name: string;
  readonly fit: (files: Files) => Promise<Fit>;
}

interface Files {
  /** Training and test stones, Parquet. */
  readonly rows: string;
  readonly test: string;
}

const benchmark = new Benchmark("cluster");
const trees = benchmark.getNumber("trees", DEFAULT_TREES);
/** The errors of unfinished fits differ by more than chance: their rows and features are sampled differently. */
const hasFewTrees = trees < DEFAULT_TREES;
await benchmark.run(compareTrainers, { maxMinutes: MAX_MINUTES });

async function compareTrainers(): Promise<void> {
  const python = createVirtualEnvironment(
    resolve(benchmark.getText("venv") ?? ENVIRONMENT),
    join(EXAMPLE, "requirements.txt"),
  );
  if (python === null) {
    console.log(
      "python3 with venv is missing, or the packages could not be installed: nothing to compare with",
    );
    return;
  }
  const stones = assignIds(readStones());
  const split = splitRandomly(stones.length, SPLIT_SEED);
  const [train, test] = [split.train, split.test].map((rows) => Array.from(rows, (row) => stones[row]!)) as [
    DatasetStone[],
    DatasetStone[],
  ];
  const testFile = join(benchmark.scratch, "test.parquet");
  await writeStones(testFile, test);
  const variants = createVariants(python, train, test);
  for (const size of benchmark.getNumbers("rows", TABLE_SIZES)) {
    const rows = join(benchmark.scratch, `${size}.parquet`);
    const isReal = size <= stones.length + 100;
    const count = isReal ? train.length : size;
    await (isReal ? writeStones(rows, train) : writeDrawnStones(rows, train, size));
    const runs = size > MAX_ROWS_FOR_RUNS ? 1 : benchmark.getNumber("runs", DEFAULT_RUNS);
    await compareVariants(variants, { rows, test: testFile }, count, runs);
  }
}

function createVariants(
  python: string,
  train: readonly DatasetStone[],
  test: readonly DatasetStone[],
): readonly Variant[] {
  const model = join(benchmark.scratch, "model.ubj");
  const json = join(benchmark.scratch, "figures.json");
  const completion = fitCompletion(train);
  /** The error of the imported model: of the ONNX file that the Worker would run. */
  const measureError = async () => {
    const nodes = createXgboostNodes(readXgboostModel(readFileSync(model)), { log: "log per carat" });
    const prices = await predictPrices(buildPriceGraph("cluster", completion, nodes), test);
    return computeMean(test.map(({ price }, i) => Math.abs(price - prices[i]!)));
  };
  const own =
    (threads: number): Variant["fit"] =>
    async (files) => {
      const script = join(import.meta.dirname, "fit-own.ts");
      const usage = await runProcess(process.execPath, [
        script,
        files.rows,
        files.test,
        `${threads}`,
        `${trees}`,
      ]);
      return { ...usage, ...JSON.parse(usage.output) };
    };
  const single =
    (threads: number): Variant["fit"] =>
    async ({ rows }) => {
      const script = join(import.meta.dirname, "fit_single.py");
      const usage = await runProcess(python, [script, rows, model, `${threads}`, `${trees}`]);
      return { ...usage, ...JSON.parse(usage.output), mae: await measureError() };
    };
  const dask =
    (workers: number): Variant["fit"] =>
    async ({ rows }) => {
      const options = ["--workers", `${workers}`, "--trees", `${trees}`, "--model", model, "--json", json];
      const usage = await runProcess(python, [join(EXAMPLE, "train.py"), rows, ...options]);
      return { ...usage, ...JSON.parse(readFileSync(json, "utf8")), mae: await measureError() };
    };
  return [
    { name: "XGBoost, 1 thread", fit: single(1) },
    { name: "XGBoost, 2 threads", fit: single(2) },
    { name: "Facet, 1 thread", fit: own(1) },
    { name: "Facet, 2 threads", fit: own(2) },
    { name: "XGBoost on Dask, 1 worker", fit: dask(1) },
    { name: "XGBoost on Dask, 2 workers", fit: dask(2) },
  ];
}

/** Fits the variants in turn, so that a change of the machine's speed meets all of them. */
async function compareVariants(
  variants: readonly Variant[],
  files: Files,
  count: number,
  runs: number,
): Promise<void> {
  const fits = variants.map((): Fit[] => []);
  for (let run = 0; run < runs; run++) {
    for (let i = 0; i < variants.length; i++) {
      const index = (run + i) % variants.length;
      const fit = await variants[index]!.fit(files);
      fits[index]!.push(fit);
      console.log(`${variants[index]!.name}: ${fit.seconds.toFixed(1)} s, test MAE $${fit.mae.toFixed(1)}`);
    }
  }
  const medians = fits.map((all) => (figure: Figure) => median(all.map((fit) => fit[figure])));
  const reference = medians[0]!;
  const rows = variants.map(({ name }, i) => {
    const get = medians[i]!;
    const errorRatio = get("mae") / reference("mae");
    benchmark.require(
      hasFewTrees || Math.abs(errorRatio - 1) <= MAX_ERROR_DIFFERENCE,
      `${count} rows, ${name}: the test error is ${errorRatio.toFixed(4)} of that of XGBoost`,
    );
    benchmark.require(
      !(get("allPeakMegabytes") > MAX_TOTAL_MEGABYTES),
      `${count} rows, ${name}: ${get("allPeakMegabytes")} MiB`,
    );
    const isDask = name.includes("Dask");
    benchmark.require(
      !(isDask && get("ownPeakMegabytes") > MAX_COORDINATOR_MEGABYTES),
      `${count} rows, ${name}: the coordinating process takes ${get("ownPeakMegabytes")} MiB`,
    );
    return [
      name,
      ...(["seconds", "readSeconds", "fitSeconds"] as const).map((figure) => formatNumber(get(figure))),
      (get("fitSeconds") / reference("fitSeconds")).toFixed(2),
      get("mae").toFixed(1),
      errorRatio.toFixed(4),
      get("ownPeakMegabytes").toFixed(0),
      get("allPeakMegabytes").toFixed(0),
    ];
  });
  const times = runs === 1 ? "one run each" : `medians of ${runs} alternating runs`;
  benchmark.addTable({
    title: `${count.toLocaleString("en")} training rows, ${times}`,
    head: [
      "",
      ...["whole process, s", "read, s", "fit, s", "fit : XGBoost, 1 thread", "test MAE, $", "MAE : XGBoost"],
      ...["peak MiB, coordinating process", "all processes"],
    ],
    rows,
  });
}

type Figure = Exclude<keyof Fit, "output">;
