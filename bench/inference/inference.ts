/**
 * Measures the time that each model takes in workerd for one stone and for 1,000 stones, with and without
 * their sizes. Each model is trained on the embedded dataset and run by the Worker's own ONNX runtime. Prints
 * medians of five measurements, in microseconds. The models take turns.
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
/** The kinds of stones that the Worker measures. */
const KINDS = ["complete", "incomplete"] as const;

const { stones } = await readDataset([createEmbeddedSource()]);
const split = {
  train: stones.filter((stone) => !isTestStone(stone.splitKey, SEED)),
  test: stones.filter((stone) => isTestStone(stone.splitKey, SEED)),
};
const models = [];
for (const model of MODELS) {
  const { bytes } = await createFitBuilder(model).build(split, { seed: SEED });
  const columns = BATCHES.flatMap((batch) => KINDS.map((kind) => ({ batch, kind, means: [] as number[] })));
  models.push({ name: model.name, bytes, columns });
}

const config = join(import.meta.dirname, "wrangler.toml");
const server = await startDevServer({ config, output: "none" });
try {
  for (let measurement = 0; measurement < MEASUREMENTS; measurement++) {
    for (const { bytes, columns } of models) {
      for (const batch of BATCHES) {
        const means = await measureMicroseconds(bytes, batch);
        for (const column of columns) if (column.batch === batch) column.means.push(means[column.kind]);
      }
    }
  }
} finally {
  await server.stop();
}

const table = new Table({
  head: ["model", "KiB", ...BATCHES.flatMap(({ rows }) => KINDS.map((kind) => `${rows} ${kind}, µs`))],
  style: { head: [] },
});
for (const { name, bytes, columns } of models) {
  table.push([
    name,
    Math.round(bytes.length / 1024),
    ...columns.map(({ means }) => median(means).toFixed(1)),
  ]);
}
console.log(table.toString());

/** Measures the microseconds of one run by kind of stone. Retries until the server has started. */
async function measureMicroseconds(
  bytes: Uint8Array,
  { rows, runs }: (typeof BATCHES)[number],
): Promise<Record<(typeof KINDS)[number], number>> {
  while (true) {
    const url = `${server.url}/?rows=${rows}&runs=${runs}`;
    const response = await fetch(url, { method: "POST", body: Buffer.from(bytes) }).catch(() => null);
    // The first requests can fail, because the server is still starting.
    if (response?.ok) return (await response.json()) as Record<(typeof KINDS)[number], number>;
    await sleep(RETRY_DELAY_MS);
  }
}
