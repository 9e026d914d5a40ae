import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { samplePredictions } from "../../../src/db/request-log/samples.ts";
import { firstIdAt } from "../../../src/domain/request-id.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/lib/time.ts";
import { createReport, type Window } from "../../../src/monitoring/report.ts";
import { rollUp } from "../../../src/monitoring/rollup.ts";
import { ROLLUP_BUDGET } from "../../../src/settings/call-budgets.ts";
import { overrideMethods } from "../support/faults.ts";
import {
  CURRENT_HOUR,
  createBatch,
  createPrediction,
  MODEL,
  NOW,
  publishMonitoredModel,
  readRollups,
  rollUpAll,
  sampleStones,
  spreadTime,
  testStones,
} from "../support/monitoring.ts";
import { publishModel } from "../support/registry.ts";
import { insertRecords } from "../support/request-log/log-rows.ts";

beforeEach(() => publishMonitoredModel());

/** Creates 400 predictions in the last 67 hours. */
function createTraffic(): RequestRecord[] {
  return sampleStones(400).map((stone, i) => createPrediction(NOW - i * 10 * MINUTE_MS, stone));
}

/** Creates the traffic of the previous hour: half of the requests have a light stone, half a heavy one. */
function createBusyHour(): RequestRecord[] {
  const getCarat = (i: number, count: number) => ({ carat: i < count / 2 ? 0.3 : 3 });
  return [
    ...Array.from({ length: 6000 }, (_, i) => createPrediction(spreadTime(i, 6000, 1), getCarat(i, 6000))),
    ...Array.from({ length: 600 }, (_, i) => {
      const stone = { ...testStones[0]!, ...getCarat(i, 600) };
      return createBatch(spreadTime(i, 600, 1), [stone, stone, stone]);
    }),
  ];
}

async function countReportedRequests(window: Window): Promise<number> {
  return (await createReport(env, window, NOW)).requests;
}

/** Counts statements and reads of the bucket, each of which the platform counts as a call. */
function createCountingEnv() {
  let calls = 0;
  const LOG_DB = overrideMethods(env.LOG_DB, {
    prepare: (sql: string) => {
      calls++;
      return env.LOG_DB.prepare(sql);
    },
  });
  const MODELS = overrideMethods(env.MODELS, {
    get: (async (key: string) => {
      calls++;
      return env.MODELS.get(key);
    }) as R2Bucket["get"],
  });
  return { bindings: { ...env, LOG_DB, MODELS }, countCalls: () => calls };
}

/** A log database that fails from the given call on. */
function createInterruptedDatabase(failingCall: number): D1Database {
  let calls = 0;
  const countCall = () => {
    if (++calls >= failingCall) throw new Error("interrupted");
  };
  return overrideMethods(env.LOG_DB, {
    prepare: (sql: string) => {
      countCall();
      return env.LOG_DB.prepare(sql);
    },
    batch: async <T>(statements: D1PreparedStatement[]) => {
      countCall();
      return env.LOG_DB.batch<T>(statements);
    },
  });
}

describe("rollUp", () => {
  it("counts each request once if it runs twice or at the same time", async () => {
    await insertRecords(createTraffic());
    await rollUpAll();
    const rollups = await readRollups();
    expect(rollups.length).toBeGreaterThan(500);
    await rollUpAll();
    await Promise.all([rollUp(env, NOW), rollUp(env, NOW), rollUp(env, NOW)]);
    expect(await readRollups()).toEqual(rollups);
  });

  it("counts an hour in every run until the hour is complete", async () => {
    await insertRecords(createTraffic());
    await rollUpAll();
    const countedHours = [];
    // 9:30, 10:10 and 11:05. An hour is complete ten minutes after its end.
    for (const minutes of [0, 40, 95]) countedHours.push(await rollUp(env, NOW + minutes * MINUTE_MS));
    expect(countedHours).toEqual([1, 2, 2]);
    expect(await rollUp(env, NOW + 105 * MINUTE_MS)).toBe(2);
    expect(await rollUp(env, NOW + 110 * MINUTE_MS)).toBe(1);
  });

  it("has the same result after runs that were interrupted at any call", async () => {
    await insertRecords(createTraffic());
    for (let failingCall = 1; failingCall < 40; failingCall++)
      await rollUp({ ...env, LOG_DB: createInterruptedDatabase(failingCall) }, NOW).catch(() => {});
    await rollUpAll();
    const rollups = await readRollups();
    await env.LOG_DB.batch([
      env.LOG_DB.prepare("DELETE FROM rollups"),
      env.LOG_DB.prepare("DELETE FROM rollup_hours"),
    ]);
    await rollUpAll();
    expect(rollups).toEqual(await readRollups());
    expect(await countReportedRequests("7d")).toBe(400);
  });

  it("counts an hour again after late records", async () => {
    await insertRecords(createTraffic());
    await rollUpAll();
    await insertRecords(sampleStones(10).map((stone) => createPrediction(NOW - 50 * HOUR_MS, stone)));
    expect(await countReportedRequests("7d")).toBe(400);
    await rollUpAll();
    expect(await countReportedRequests("7d")).toBe(410);
  });

  it("counts requests whose bodies cannot be read", async () => {
    await insertRecords([
      createPrediction(NOW, {}, { requestBody: '{"carat":' }),
      createBatch(NOW, [], { requestBody: null, responseBody: "x" }),
      createBatch(NOW - 6 * MINUTE_MS, sampleStones(5), { bodies: "log-bodies/missing.json" }),
    ]);
    const MODELS = overrideMethods(env.MODELS, { get: () => Promise.reject(new Error("R2 is down")) });
    await rollUp({ ...env, MODELS }, NOW);
    const [model] = (await createReport(env, "24h", NOW)).models;
    expect(model).toMatchObject({ requests: 3, drift: { carat: { stones: 0 } } });
  });

  it("counts all requests of a busy hour, and the stones of a sample that is spread over the hour", async () => {
    await insertRecords(createBusyHour());
    const { bindings, countCalls } = createCountingEnv();
    expect(await rollUp(bindings, NOW)).toBe(2);
    expect(countCalls()).toBeLessThan(30);
    const [model] = (await createReport(env, "24h", NOW)).models;
    expect(model).toMatchObject({ requests: 6600, stones: 12 * 100 + 12 * 2 * 3 });
    const rollup = await env.LOG_DB.prepare("SELECT counts FROM rollups WHERE subject = ?1 AND hour = ?2")
      .bind("boosting@2 carat", CURRENT_HOUR - 1)
      .first<{ counts: string }>();
    const nonEmptyBins = JSON.parse(rollup?.counts ?? "[]").filter((count: number) => count > 0);
    expect(nonEmptyBins).toEqual([636, 636]);
  });

  it("stays within its call budget for any traffic", async () => {
    const { requestBody, responseBody } = createBatch(NOW, sampleStones(2));
    await env.MODELS.put("log-bodies/many.json", JSON.stringify({ requestBody, responseBody }));
    const versions = Array.from({ length: 12 }, (_, i) => ({ name: "many", version: i + 1 }));
    for (const version of versions) await publishModel(version);
    await env.DB.prepare("UPDATE models SET histograms = (SELECT histograms FROM models WHERE name = ?1)")
      .bind(MODEL.name)
      .run();
    const getRequestCount = (version: number) => 5 * (36 + version);
    for (const { name: model, version: modelVersion } of versions) {
      const count = getRequestCount(modelVersion);
      const changes = { bodies: "log-bodies/many.json", model, modelVersion };
      await insertRecords(
        Array.from({ length: count }, (_, i) => createBatch(spreadTime(i, count, 5), [], changes)),
      );
    }
    const { bindings, countCalls } = createCountingEnv();
    expect(await rollUp(bindings, NOW)).toBeGreaterThanOrEqual(2);
    expect(countCalls()).toBeLessThanOrEqual(ROLLUP_BUDGET.calls);
    let runs = 1;
    while ((await rollUp(env, NOW)) > 1) runs++;
    expect(runs).toBeLessThan(5);
    const { models } = await createReport(env, "24h", NOW);
    expect(models.map(({ requests }) => requests)).toEqual(
      versions.map(({ version }) => getRequestCount(version)).reverse(),
    );
    // The eight busiest versions: five hours, 12 slices of an hour, two batches of two stones per slice.
    expect(models.map(({ stones }) => stones)).toEqual([...Array(8).fill(5 * 12 * 2 * 2), 0, 0, 0, 0]);
  });

  it("counts the other hours if one cannot be counted, and then throws", async () => {
    await insertRecords([5, 4, 3, 2, 1].map((hours) => createPrediction(NOW - hours * HOUR_MS)));
    const firstIdOfFailingHour = firstIdAt((CURRENT_HOUR - 3) * HOUR_MS);
    const LOG_DB = overrideMethods(env.LOG_DB, {
      prepare: (sql: string) => {
        const statement = env.LOG_DB.prepare(sql);
        return overrideMethods(statement, {
          bind: (...values: unknown[]) => {
            if (values[0] === firstIdOfFailingHour) throw new Error("too many rows");
            return statement.bind(...values);
          },
        });
      },
    });
    const run = rollUp({ ...env, LOG_DB }, NOW);
    await expect(run).rejects.toThrow("1 of 6 hours could not be counted");
    await expect(run).rejects.toMatchObject({ cause: { message: "too many rows" } });
    expect(await countReportedRequests("24h")).toBe(4);
    await rollUpAll();
    expect(await countReportedRequests("24h")).toBe(5);
  });
});

describe("samplePredictions", () => {
  it("reads few rows of a busy hour", async () => {
    await insertRecords(createBusyHour());
    let rowsRead = 0;
    const LOG_DB = overrideMethods(env.LOG_DB, {
      prepare: (sql: string) => {
        const statement = env.LOG_DB.prepare(sql);
        return overrideMethods(statement, {
          bind: (...values: unknown[]) => {
            const bound = statement.bind(...values);
            return overrideMethods(bound, {
              all: async <T>() => {
                const result = await bound.all<T>();
                rowsRead += result.meta.rows_read;
                return result;
              },
            });
          },
        });
      },
    });
    const answeredBy = { route: "/v1/predictions", model: MODEL };
    expect(await samplePredictions(LOG_DB, CURRENT_HOUR - 1, answeredBy, 100)).toHaveLength(1200);
    // Each row of the sample is found in the index, measured, summed and loaded.
    expect(rowsRead).toBeLessThan(7000);
  });
});
