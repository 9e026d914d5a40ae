/**
 * How long a model takes in workerd for one stone and for 1,000: each model is trained on the embedded
 * dataset, exported, and run by the Worker's own runtime. Prints the median of five measurements.
 *
 *   node bench/inference.ts
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import Table from "cli-table3";
import { WRANGLER } from "../../cloudflare/wrangler.ts";
import { isTestStone } from "../../src/domain/split.ts";
import { median } from "../../src/lib/statistics.ts";
import { createFitBuilder } from "../../training/builders/fit.ts";
import { readDataset } from "../../training/data/dataset.ts";
import { embeddedSource } from "../../training/data/source.ts";
import { MODELS } from "../../training/models/index.ts";

const SEED = 42;
const PORT = 8797;
const MEASUREMENTS = 5;
const SIZES = [
  { rows: 1, runs: 2000 },
  { rows: 1000, runs: 30 },
];

const { stones } = await readDataset([embeddedSource()]);
const split = {
  train: stones.filter((stone) => !isTestStone(stone.splitKey, SEED)),
  test: stones.filter((stone) => isTestStone(stone.splitKey, SEED)),
};

const config = join(import.meta.dirname, "wrangler.toml");
const server = spawn(process.execPath, [WRANGLER, "dev", "--config", config, "--port", String(PORT)], {
  stdio: "ignore",
  env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" },
});
try {
  const table = new Table({
    head: ["model", "KiB", ...SIZES.map(({ rows }) => `${rows} rows, ms`)],
    style: { head: [] },
  });
  for (const model of MODELS) {
    const { bytes } = await createFitBuilder(model).build(split, { seed: SEED });
    const cells = [];
    for (const size of SIZES) cells.push((await measure(bytes, size)).toFixed(3));
    table.push([model.name, Math.round(bytes.length / 1024), ...cells]);
  }
  console.log(table.toString());
} finally {
  server.kill();
}

async function measure(bytes: Uint8Array, { rows, runs }: (typeof SIZES)[number]): Promise<number> {
  const means: number[] = [];
  while (means.length < MEASUREMENTS) {
    const url = `http://127.0.0.1:${PORT}/?rows=${rows}&runs=${runs}`;
    const answer = await fetch(url, { method: "POST", body: Buffer.from(bytes) }).catch(() => null);
    if (answer?.ok) means.push(((await answer.json()) as { mean: number }).mean);
    else await new Promise((wait) => setTimeout(wait, 500));
  }
  return median(means);
}
