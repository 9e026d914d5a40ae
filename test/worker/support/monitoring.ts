/** A model with known prices and histograms, its log records, and their hourly counts. */
import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { insertOutcome } from "../../../src/db/request-log/outcomes.ts";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import type { Monitoring } from "../../../src/domain/monitoring.ts";
import { isTestStone } from "../../../src/domain/split.ts";
import { HOUR_MS } from "../../../src/lib/time.ts";
import { createReport, type Window } from "../../../src/monitoring/report.ts";
import { rollUp } from "../../../src/monitoring/rollup.ts";
import { buildHistograms } from "../../../training/evaluation/histograms.ts";
import { createRandom } from "../../support/random.ts";
import { emptyStorage } from "./empty-storage.ts";
import { publishModel, type TestModel } from "./registry.ts";
import { createIdAt, createRecord } from "./request-log/log-rows.ts";

/** Half past nine. */
export const NOW = Date.UTC(2026, 10, 20, 9, 30);
export const CURRENT_HOUR = Math.floor(NOW / HOUR_MS);
export const MODEL = { name: "boosting", version: 2 };

const stones: readonly (PricedStone & { splitKey: number })[] = JSON.parse(inject("stones"));
const trainingStones = stones.filter(({ splitKey }) => !isTestStone(splitKey, 7));
export const testStones = stones.filter(({ splitKey }) => isTestStone(splitKey, 7));

let random = createRandom(11);

/** The price of {@link MODEL}, which depends only on the weight. */
export function computePrice({ carat }: Pick<PricedStone, "carat">): number {
  return Math.round(4000 * carat ** 1.7);
}

/** Empties the storage, publishes {@link MODEL} with its histograms and restarts the random numbers. */
export async function publishMonitoredModel(facts: TestModel["facts"] = {}): Promise<void> {
  await emptyStorage();
  random = createRandom(11);
  await publishModel({ ...MODEL, facts });
  const histograms = buildHistograms(trainingStones, testStones.map(computePrice));
  await env.DB.prepare("UPDATE models SET histograms = ?1").bind(JSON.stringify(histograms)).run();
}

export function sampleStones(count: number, from = testStones): PricedStone[] {
  return Array.from({ length: count }, () => from[Math.floor(random() * from.length)]!);
}

/**
 * The time of the i-th of `count` requests that are spread evenly over the given hours before {@link
 * CURRENT_HOUR}.
 */
export function spreadTime(i: number, count: number, hours: number): number {
  return (CURRENT_HOUR - hours) * HOUR_MS + Math.floor((i * hours * HOUR_MS) / count);
}

/** Creates the record of a health check. */
export const createHealthCheck = (at: number, changes?: Partial<RequestRecord>): RequestRecord =>
  createRecord(at, random, changes);

/** Creates the record of a single prediction. */
export function createPrediction(
  at: number,
  stone: Partial<PricedStone> = {},
  changes: Partial<RequestRecord> = {},
): RequestRecord {
  const { carat = 1, cut, color, clarity, depth, table, x, y, z } = stone;
  return createRecord(at, random, {
    method: "POST",
    path: "/v1/predictions",
    route: "/v1/predictions",
    requestBody: JSON.stringify({ carat, cut, color, clarity, depth, table, x, y, z }),
    price: computePrice({ carat }),
    model: MODEL.name,
    modelVersion: MODEL.version,
    ...changes,
  });
}

/** Creates the record of a batch prediction. */
export function createBatch(
  at: number,
  diamonds: readonly PricedStone[],
  changes: Partial<RequestRecord> = {},
): RequestRecord {
  const predictions = diamonds.map((stone) => ({ price: computePrice(stone) }));
  return createPrediction(
    at,
    {},
    {
      path: "/v1/predictions/batch",
      route: "/v1/predictions/batch",
      requestBody: JSON.stringify({
        diamonds: diamonds.map(({ price, ...stone }) => ({ ...stone, splitKey: undefined })),
      }),
      responseBody: JSON.stringify({ predictions }),
      price: null,
      ...changes,
    },
  );
}

/** Reports the sale price of a stone whose predicted price was 1000, in a range from 900 to 1200. */
export async function reportOutcome(
  prediction: string,
  price: number,
  at: number,
  { hasRange = true, version = MODEL.version } = {},
): Promise<void> {
  await insertOutcome(env.LOG_DB, {
    prediction,
    item: 0,
    id: createIdAt(at, random),
    at,
    price,
    soldAt: null,
    caller: null,
    predicted: 1000,
    model: MODEL.name,
    modelVersion: version,
    ...(hasRange
      ? { rangeLow: 900, rangeHigh: 1200, coverage: 0.8 }
      : { rangeLow: null, rangeHigh: null, coverage: null }),
  });
}

/** Counts hours until at most one hour is dirty: the current one, which is not complete. */
export async function rollUpAll(): Promise<void> {
  while ((await rollUp(env, NOW)) > 1);
}

export async function rollUpAndReport(window: Window = "24h"): Promise<Monitoring> {
  await rollUpAll();
  return createReport(env, window, NOW);
}

/** Reads all hourly counts, in a fixed order. */
export async function readRollups(): Promise<Record<string, unknown>[]> {
  const { results } = await env.LOG_DB.prepare("SELECT * FROM rollups ORDER BY hour, kind, subject").all();
  return results;
}
