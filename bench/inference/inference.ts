/**
 * Measures the time that each model takes in workerd for one stone and for 1,000 stones. Each model is
 * trained on the embedded dataset and run by the Worker's own ONNX runtime. Prints medians of five
 * measurements.
 *
 *   node bench/inference/inference.ts
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Table from "cli-table3";
import { startDevServer } from "../../cloudflare/dev-server.ts";
import { isTestStone } from "../../src/domain/split.ts";
import { median } from "../../src/lib/statistics.ts";
import { createFitBuilder } from "../../training/builders/fit.ts";
import { readDataset } from "../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../training/data/source.ts";
import { MODELS } from "../../training/models/index.ts";

const SEED = 42;
const RETRY_DELAY_MS = 500;
const MEASUREMENTS = 5;
/** Batch sizes, and the number of runs of which one measurement is the mean. */
const BATCHES = [
  { rows: 1, runs: 2000 },
  { rows: 1000, runs: 30 },
];

const { stones } = await readDataset([createEmbeddedSource()]);
const split = {
  train: stones.filter((stone) => !isTestStone(stone.splitKey, SEED)),
  test: stones.filter((stone) => isTestStone(stone.splitKey, SEED)),
};

const config = join(import.meta.dirname, "wrangler.toml");
const server = await startDevServer({ config, output: "none" });
try {
  const table = new Table({
    head: ["model", "KiB", ...BATCHES.map(({ rows }) => `${rows} rows, ms`)],
    style: { head: [] },
  });
  for (const model of MODELS) {
    const { bytes } = await createFitBuilder(model).build(split, { seed: SEED });
    const cells = [];
    for (const batch of BATCHES) cells.push((await measureMs(bytes, batch)).toFixed(3));
    table.push([model.name, Math.round(bytes.length / 1024), ...cells]);
  }
  console.log(table.toString());
} finally {
  await server.stop();
}

/** Measures the milliseconds of one run. Retries until the server has started. */
async function measureMs(bytes: Uint8Array, { rows, runs }: (typeof BATCHES)[number]): Promise<number> {
  const means: number[] = [];
  while (means.length < MEASUREMENTS) {
    const url = `${server.url}/?rows=${rows}&runs=${runs}`;
    const response = await fetch(url, { method: "POST", body: Buffer.from(bytes) }).catch(() => null);
    // The first requests can fail, because the server is still starting.
    if (response?.ok) means.push(((await response.json()) as { mean: number }).mean);
    else await sleep(RETRY_DELAY_MS);
  }
  return median(means);
}
