/**
 * Fits Facet's own trees on the rows of a Parquet file, with the features and settings of gradient-boosting, and
 * prints the seconds and the test error as JSON. For cluster.ts, in a process of its own.
 *
 *   node bench/cluster/fit-own.ts ROWS.parquet TEST.parquet THREADS TREES
 */
import { DuckDBInstance } from "@duckdb/node-api";
import type { PricedStone } from "../../src/domain/diamond.ts";
import {
  type BoostingParameters,
  fitEnsemble,
  type Matrix,
  predictEnsemble,
} from "../../training/boosting/index.ts";
import { computeFeatures } from "../../training/builders/fit.ts";
import { fitCompletion } from "../../training/models/completion.ts";
import { gradientBoosting } from "../../training/models/gradient-boosting.ts";
import { PRICE_TARGETS } from "../../training/models/price-targets.ts";

/** Stones whose features are computed at a time. More would need more memory for the objects. */
const CHUNK_ROWS = 50_000;
const SEED = 1;
const TARGET = PRICE_TARGETS["log price per carat"];
const CARAT = gradientBoosting.featureNames.indexOf("carat");

interface Rows {
  readonly features: Matrix;
  /** US dollars. */
  readonly prices: Float32Array;
}

const [rowsFile, testFile, threads, trees] = process.argv.slice(2) as [string, string, string, string];
const parameters = gradientBoosting.hyperparameters as unknown as BoostingParameters;
const huberAfter = Math.round((parameters.huber!.after / parameters.rounds) * Number(trees));

const startedAt = performance.now();
const { features, prices } = await readRows(rowsFile);
const carat = features.columns[CARAT]!;
const y = prices.map((price, row) => TARGET.fromPrice(price, carat[row]!));
const readAt = performance.now();
const ensemble = await fitEnsemble(
  features,
  y,
  { ...parameters, rounds: Number(trees), huber: { ...parameters.huber!, after: huberAfter }, seed: SEED },
  { threads: Number(threads) },
);
const fittedAt = performance.now();
const predicted = ensemble.predictions.map((value, row) => TARGET.toPrice(value, carat[row]!));
const shift = TARGET.computeCorrection(prices, predicted);
const test = await readRows(testFile);
const errors = predictEnsemble(ensemble, test.features).map((value, row) =>
  Math.abs(TARGET.toPrice(value + shift, test.features.columns[CARAT]![row]!) - test.prices[row]!),
);
console.log(
  JSON.stringify({
    rows: prices.length,
    readSeconds: (readAt - startedAt) / 1000,
    fitSeconds: (fittedAt - readAt) / 1000,
    mae: errors.reduce((sum, error) => sum + error, 0) / errors.length,
  }),
);

/** Reads stones and computes their features, chunk by chunk. */
async function readRows(file: string): Promise<Rows> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const counted = await connection.runAndReadAll(`SELECT count(*)::INT FROM '${file}'`);
  const count = Number(counted.getRows()[0]![0]);
  const columns = gradientBoosting.featureNames.map(() => new Float32Array(count));
  const prices = new Float32Array(count);
  let done = 0;
  const addStones = async (stones: readonly PricedStone[]) => {
    // No measurement is missing, so the constants of the completion do not affect the features.
    const chunk = await computeFeatures(gradientBoosting, fitCompletion(stones), stones);
    for (const [i, column] of columns.entries()) column.set(chunk.columns[i]!, done);
    for (const [i, { price }] of stones.entries()) prices[done + i] = price;
    done += stones.length;
  };
  const result = await connection.stream(`SELECT * FROM '${file}'`);
  let stones: PricedStone[] = [];
  for await (const objects of result.yieldRowObjects()) {
    for (const stone of objects) stones.push(stone as unknown as PricedStone);
    if (stones.length < CHUNK_ROWS) continue;
    await addStones(stones);
    stones = [];
  }
  if (stones.length > 0) await addStones(stones);
  connection.closeSync();
  instance.closeSync();
  return { features: { rows: count, columns }, prices };
}
