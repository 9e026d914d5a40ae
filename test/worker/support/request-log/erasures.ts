/** A prediction with outcomes, and what is left of it. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { insertOutcome, type Outcome } from "../../../../src/db/request-log/outcomes.ts";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import { readArchive, type StoredChunk } from "./archive.ts";
import { createIdAt, createRecord, insertRecords } from "./log-rows.ts";

export interface ReportedPrediction {
  readonly prediction: RequestRecord;
  readonly outcomeRequests: readonly RequestRecord[];
  /** All of these records. */
  readonly ids: readonly string[];
}

/** Creates a batch of the given time, and one outcome request for each further time. */
export function createReportedPrediction(
  at: number,
  outcomeTimes: readonly number[],
  random: () => number,
): ReportedPrediction {
  const prediction = createRecord(at, random, { requestBody: "secret" });
  const outcomeRequests = outcomeTimes.map((time) => createRecord(time, random, { requestBody: "secret" }));
  return { prediction, outcomeRequests, ids: [prediction, ...outcomeRequests].map(({ id }) => id) };
}

/** Writes the records and the outcomes to the tables. */
export async function insertReportedPrediction({
  prediction,
  outcomeRequests,
}: ReportedPrediction): Promise<void> {
  await insertRecords([prediction, ...outcomeRequests]);
  const outcomes = outcomeRequests.map(({ id, at }, item) => ({ prediction: prediction.id, item, id, at }));
  await env.LOG_DB.prepare(
    `INSERT INTO outcomes (prediction, item, id, at, price, predicted, model, model_version)
     SELECT value ->> 'prediction', value ->> 'item', value ->> 'id', value ->> 'at', 1100, 1000, 'steep', 1
     FROM json_each(?1)`,
  )
    .bind(JSON.stringify(outcomes))
    .run();
}

/** Reports an outcome of a prediction, as a request of the given time. */
export function reportOutcome(prediction: string, at: number, random: () => number) {
  const outcome: Outcome = {
    ...{ prediction, item: 0, id: createIdAt(at, random), at, price: 1100, soldAt: null, caller: null },
    ...{ predicted: 1000, model: "steep", modelVersion: 1, rangeLow: null, rangeHigh: null, coverage: null },
  };
  return insertOutcome(env.LOG_DB, outcome);
}

/** Where the ids are still stored in the tables, as `table id`. */
export async function findInTables(ids: readonly string[]): Promise<string[]> {
  const wanted = new Set(ids);
  const { results } = await env.LOG_DB.prepare(
    `SELECT id, 'requests' AS place FROM requests UNION ALL SELECT id, 'outcomes' FROM outcomes
     UNION ALL SELECT prediction, 'outcomes' FROM outcomes UNION ALL SELECT id, 'erasures' FROM erasures`,
  ).all<{ id: string; place: string }>();
  return results.filter(({ id }) => wanted.has(id)).map(({ id, place }) => `${place} ${id}`);
}

/** Where the ids are still stored: tables, keys of the bucket, and chunks of the archive. */
export async function findStored(ids: readonly string[], chunks?: readonly StoredChunk[]): Promise<string[]> {
  const wanted = new Set(ids);
  const found = await findInTables(ids);
  const { objects, truncated } = await env.MODELS.list({ prefix: "log-" });
  expect(truncated).toBe(false);
  found.push(...objects.map(({ key }) => key).filter((key) => ids.some((id) => key.includes(id))));
  for (const { key, rows } of chunks ?? (await readArchive()))
    found.push(...rows.filter(({ id }) => wanted.has(id)).map(({ id }) => `${key} ${id}`));
  return found;
}

/** Copies the tables of requests and outcomes and the bucket. Returns a function that restores them. */
export async function copyStorage(): Promise<() => Promise<void>> {
  const { results: outcomes } = await env.LOG_DB.prepare("SELECT * FROM outcomes").all();
  const { results: requests } = await env.LOG_DB.prepare("SELECT * FROM requests").all();
  const { objects } = await env.MODELS.list();
  const copies = await Promise.all(
    objects.map(async ({ key }) => {
      const object = await env.MODELS.get(key);
      return { key, bytes: await object!.arrayBuffer(), customMetadata: object!.customMetadata ?? {} };
    }),
  );
  const insert = (table: string, rows: readonly Record<string, unknown>[]) =>
    rows.map((row) => {
      const columns = Object.keys(row);
      const places = columns.map(() => "?").join(", ");
      return env.LOG_DB.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places})`).bind(
        ...Object.values(row),
      );
    });
  const empty = ["requests", "outcomes", "forgotten", "erasures", "leases", "rollup_hours"].map((table) =>
    env.LOG_DB.prepare(`DELETE FROM ${table}`),
  );
  return async () => {
    const { objects: current } = await env.MODELS.list();
    await env.MODELS.delete(current.map(({ key }) => key));
    await Promise.all([
      env.LOG_DB.batch([...empty, ...insert("requests", requests), ...insert("outcomes", outcomes)]),
      ...copies.map(({ key, bytes, customMetadata }) => env.MODELS.put(key, bytes, { customMetadata })),
    ]);
  };
}
