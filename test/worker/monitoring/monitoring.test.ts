import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, inject, it } from "vitest";
import { deleteOutcomes, insertOutcome } from "../../../src/db/request-log/outcomes.ts";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { samplePredictions } from "../../../src/db/request-log/samples.ts";
import { GRADE_COLUMNS, NUMBER_COLUMNS, type PricedStone } from "../../../src/domain/diamond.ts";
import { LATENCY_EDGES, percentile } from "../../../src/domain/latency.ts";
import type { Monitoring } from "../../../src/domain/monitoring.ts";
import { firstIdAt } from "../../../src/domain/request-id.ts";
import { isTestStone } from "../../../src/domain/split.ts";
import worker from "../../../src/index.ts";
import { createReport } from "../../../src/monitoring/report.ts";
import { rollUp } from "../../../src/monitoring/rollup.ts";
import { buildHistograms } from "../../../training/evaluation/histograms.ts";
import { call, type Refusal } from "../support/call.ts";
import { empty } from "../support/empty-databases.ts";
import { wrap } from "../support/faults.ts";
import { bearer, makeKey } from "../support/keys.ts";
import { generator, idAt, insert, row } from "../support/log-rows.ts";
import { publish } from "../support/registry.ts";

const HOUR = 3_600_000;
/** Half past nine. */
const NOW = Date.UTC(2026, 10, 20, 9, 30);
const MODEL = { name: "boosting", version: 2 };
const COLUMNS = [...NUMBER_COLUMNS, ...GRADE_COLUMNS, "price"];

const stones: readonly (PricedStone & { splitKey: number })[] = JSON.parse(inject("stones"));
const train = stones.filter(({ splitKey }) => !isTestStone(splitKey, 7));
const test = stones.filter(({ splitKey }) => isTestStone(splitKey, 7));
/** A model that is simple enough to be known: price by weight alone. */
const priceOf = ({ carat }: Pick<PricedStone, "carat">) => Math.round(4000 * carat ** 1.7);

let random: () => number;

beforeEach(async () => {
  await empty();
  random = generator(11);
  await publish(MODEL);
  const histograms = buildHistograms(train, test.map(priceOf));
  await env.DB.prepare("UPDATE models SET histograms = ?1").bind(JSON.stringify(histograms)).run();
});

function prediction(at: number, stone: Partial<PricedStone>, changes: Partial<RequestRecord> = {}) {
  const { carat = 1, cut, color, clarity, depth, table, x, y, z } = stone;
  return row(at, random, {
    method: "POST",
    path: "/v1/predictions",
    route: "/v1/predictions",
    requestBody: JSON.stringify({ carat, cut, color, clarity, depth, table, x, y, z }),
    price: priceOf({ carat }),
    model: MODEL.name,
    modelVersion: MODEL.version,
    ...changes,
  });
}

function batch(at: number, diamonds: readonly PricedStone[], changes: Partial<RequestRecord> = {}) {
  const predictions = diamonds.map((stone) => ({ price: priceOf(stone) }));
  return prediction(
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

const sample = (count: number, of = test) =>
  Array.from({ length: count }, () => of[Math.floor(random() * of.length)]!);
/** The i-th of so many moments that lie evenly in the whole hours before the present one. */
const spread = (i: number, count: number, hours: number) =>
  Math.floor(NOW / HOUR) * HOUR - hours * HOUR + Math.floor((i * hours * HOUR) / count);
const dump = async () =>
  (await env.LOG_DB.prepare("SELECT * FROM rollups ORDER BY hour, kind, subject").all()).results;
const rollUpAll = async (now = NOW) => {
  while ((await rollUp(env, now)) > 1);
};

async function measured(window: "24h" | "7d" | "30d" = "24h"): Promise<Monitoring> {
  await rollUpAll();
  return createReport(env, window, NOW);
}

describe("traffic", () => {
  it("is counted by route, status and model version, with its latency", async () => {
    const at = NOW - 2 * HOUR;
    const between = (from: number, to: number, count: number) =>
      Array.from({ length: count }, (_, i) => from + ((to - from) * i) / count);
    await insert([
      ...between(10, 15, 90).map((durationMs) => prediction(at, {}, { durationMs })),
      ...between(150, 200, 10).map((durationMs) => prediction(at, {}, { durationMs })),
      ...between(2, 3, 18).map((durationMs) =>
        prediction(at, {}, { durationMs, status: 422, model: null, modelVersion: null, price: null }),
      ),
      ...between(30, 50, 2).map((durationMs) =>
        prediction(at, {}, { durationMs, status: 429, model: null, modelVersion: null, price: null }),
      ),
      ...between(0, 1, 5).map((durationMs) =>
        prediction(NOW - 20 * HOUR, {}, { durationMs, status: 503, model: null, modelVersion: null }),
      ),
      ...between(0, 1, 7).map((durationMs) => prediction(at, {}, { durationMs, modelVersion: 1 })),
      ...between(0, 1, 3).map((durationMs) =>
        row(at, random, { path: "/x", route: null, status: 404, durationMs }),
      ),
      // No traffic, and out of the window.
      ...between(0, 1, 50).map(() => row(at, random)),
      ...between(0, 1, 50).map(() =>
        row(at, random, { path: "/ready", route: "/ready", status: 503, model: MODEL.name, modelVersion: 2 }),
      ),
      prediction(NOW - 26 * HOUR, {}),
    ]);
    const { requests, errorShare, refusedShare, routes, models, since, countedUntil } = await measured();
    expect({ requests, errorShare, refusedShare }).toEqual({
      requests: 135,
      errorShare: 5 / 135,
      refusedShare: 23 / 135,
    });
    expect(since).toBe("2026-11-19T09:00:00.000Z");
    expect(countedUntil).toBe(new Date(NOW).toISOString());
    expect(routes).toMatchObject([
      {
        route: "/v1/predictions",
        requests: 132,
        errorShare: 5 / 132,
        refusedShare: 20 / 132,
        statuses: [
          { status: 200, requests: 107 },
          { status: 422, requests: 18, latency: { p50: 2.5, p95: expect.closeTo(2.95, 9), p99: 2.99 } },
          { status: 429, requests: 2, latency: { p50: 40, p95: 49, p99: 49.8 } },
          { status: 503, requests: 5 },
        ],
      },
      { route: null, requests: 3, refusedShare: 1, statuses: [{ status: 404, requests: 3 }] },
    ]);
    // 107: 7 below 1 ms, 90 from 10 to 15, 10 from 150 to 200.
    const { p50, p95, p99 } = routes[0]!.statuses[0]!.latency;
    expect(p50).toBeCloseTo(10 + (5 * (53.5 - 7)) / 90, 9);
    expect(p95).toBeCloseTo(150 + (50 * (101.65 - 97)) / 10, 9);
    expect(p99).toBeCloseTo(150 + (50 * (105.93 - 97)) / 10, 9);
    expect(models.map(({ name, version, requests }) => [name, version, requests])).toEqual([
      ["boosting", 2, 100],
      ["boosting", 1, 7],
    ]);
    expect(models[0]?.stones).toBe(100);
    expect(models[1]?.drift).toBeNull();
  });

  it("is that of the window", async () => {
    for (const days of [0.1, 3, 20, 40]) await insert([prediction(NOW - days * 24 * HOUR, {})]);
    await rollUpAll();
    const requests = async (window: "24h" | "7d" | "30d") => (await createReport(env, window, NOW)).requests;
    expect([await requests("24h"), await requests("7d"), await requests("30d")]).toEqual([1, 2, 3]);
  });

  it("says until when it is counted, however long ago that is", async () => {
    await insert([prediction(NOW - 3 * HOUR, {})]);
    await rollUpAll();
    const until = async (now: number) => (await createReport(env, "24h", now)).countedUntil;
    for (const hours of [0, 1, 3, 50])
      expect(await until(NOW + hours * HOUR)).toBe("2026-11-20T09:30:00.000Z");
    // Late records have an hour counted again, and its count is none of the present.
    await insert([prediction(NOW - 3 * HOUR, {})]);
    expect(await until(NOW + HOUR)).toBe("2026-11-20T09:30:00.000Z");
    await env.LOG_DB.prepare("DELETE FROM rollup_hours WHERE hour = ?1")
      .bind(Math.floor(NOW / HOUR))
      .run();
    expect(await until(NOW)).toBe("2026-11-20T09:00:00.000Z");
  });

  it("is nothing before the first count", async () => {
    expect(await createReport(env, "7d", NOW)).toMatchObject({
      requests: 0,
      errorShare: null,
      countedUntil: null,
      latency: { p50: null, p95: null, p99: null },
      routes: [],
      models: [],
    });
  });
});

describe("percentile", () => {
  it("is within its bin of the exact one, for any durations", () => {
    for (const scale of [3, 30, 900]) {
      const durations = Array.from({ length: 5000 }, () => -Math.log(1 - random()) * scale).sort(
        (a, b) => a - b,
      );
      const counts = Array<number>(LATENCY_EDGES.length + 1).fill(0);
      for (const duration of durations) counts[LATENCY_EDGES.filter((edge) => edge <= duration).length]! += 1;
      for (const share of [0.5, 0.95, 0.99]) {
        const exact = durations[Math.ceil(share * durations.length) - 1]!;
        const bin = LATENCY_EDGES.filter((edge) => edge <= exact).length;
        const found = percentile(counts, share)!;
        expect(found).toBeGreaterThanOrEqual(LATENCY_EDGES[bin - 1] ?? 0);
        expect(found).toBeLessThanOrEqual(LATENCY_EDGES[bin] ?? Number.POSITIVE_INFINITY);
      }
    }
    expect(percentile([0, 0], 0.5)).toBeNull();
  });
});

describe("drift", () => {
  it("is stable on every column for stones of the test split", async () => {
    const asked = sample(3000);
    await insert(asked.map((stone, i) => prediction(spread(i, asked.length, 20), stone)));
    const [model] = (await measured()).models;
    expect(Object.keys(model?.drift ?? {}).sort()).toEqual([...COLUMNS].sort());
    for (const [column, drift] of Object.entries(model?.drift ?? {})) {
      expect(drift, column).toMatchObject({ stones: 3000, verdict: "stable" });
      expect(drift.psi).toBeLessThan(0.02);
    }
  });

  it("is significant on carat and price where carats are doubled, and there alone", async () => {
    const doubled = sample(1000).map((stone) => ({ ...stone, carat: stone.carat * 2 }));
    await insert(doubled.map((stone, i) => prediction(spread(i, 1000, 2), stone)));
    const drift = (await measured()).models[0]?.drift ?? {};
    const by = Object.groupBy(Object.keys(drift), (column) => drift[column]?.verdict ?? "");
    expect(by.significant?.sort()).toEqual(["carat", "price"]);
    expect(by.stable).toHaveLength(8);
  });

  it("is moderate in between", async () => {
    const heavy = test.filter(({ carat }) => carat >= 1);
    const asked = Array.from({ length: 1000 }, (_, i) => sample(1, i % 10 < 7 ? test : heavy)[0]!);
    await insert(asked.map((stone, i) => prediction(spread(i, 1000, 2), stone)));
    expect((await measured()).models[0]?.drift?.carat?.verdict).toBe("moderate");
  });

  it("is no verdict below 200 stones", async () => {
    const doubled = sample(199).map((stone) => ({ ...stone, carat: stone.carat * 2 }));
    await insert(doubled.map((stone, i) => prediction(spread(i, 199, 1), stone)));
    const before = (await measured()).models[0]?.drift?.carat;
    expect(before).toMatchObject({ stones: 199, verdict: "not enough data" });
    await insert(sample(1).map((stone) => prediction(NOW - HOUR, stone)));
    expect((await measured()).models[0]?.drift?.carat).toMatchObject({ stones: 200, verdict: "significant" });
  });

  it("counts the stones of batches, also where their bodies lie in the bucket", async () => {
    const asked = sample(500);
    const { requestBody = null, responseBody = null, ...large } = batch(NOW, asked.slice(250));
    await env.MODELS.put("log-bodies/x.json", JSON.stringify({ requestBody, responseBody }));
    const cut = {
      requestBody: requestBody?.slice(0, 100) ?? null,
      responseBody: responseBody?.slice(0, 100) ?? null,
    };
    await insert([batch(NOW, asked.slice(0, 250)), { ...large, ...cut, bodies: "log-bodies/x.json" }]);
    const [model] = (await measured()).models;
    expect(model).toMatchObject({ requests: 2, stones: 500 });
    for (const [column, drift] of Object.entries(model?.drift ?? {}))
      expect(drift, column).toMatchObject({ stones: 500, verdict: "stable" });
  });

  it("counts what was given, and no stone that was refused", async () => {
    const asked = sample(300);
    await insert([
      ...asked
        .slice(0, 200)
        .map(({ carat, cut, color, clarity }, i) =>
          prediction(spread(i, 300, 1), { carat, cut, color, clarity }),
        ),
      ...asked.slice(200).map((stone, i) => prediction(spread(200 + i, 300, 1), stone)),
      ...asked.map((stone, i) =>
        prediction(spread(i, 300, 1), stone, { status: 422, model: null, modelVersion: null, price: null }),
      ),
    ]);
    const drift = (await measured()).models[0]?.drift;
    expect(drift).toMatchObject({ carat: { stones: 300 }, cut: { stones: 300 }, price: { stones: 300 } });
    expect(drift).toMatchObject({ depth: { stones: 100, verdict: "not enough data" }, x: { stones: 100 } });
  });
});

describe("live error", () => {
  async function tell(prediction: string, price: number, at = NOW - HOUR) {
    await insertOutcome(env.LOG_DB, {
      prediction,
      item: 0,
      id: idAt(at, random),
      at,
      price,
      soldAt: null,
      caller: null,
      predicted: 1000,
      model: MODEL.name,
      modelVersion: MODEL.version,
    });
  }
  async function sell(count: number, off: number, from = 0) {
    for (let i = from; i < from + count; i++) await tell(`p${i}`, 1000 + off, NOW - (1 + (i % 5)) * HOUR);
  }
  const live = async () => (await measured()).models[0]?.live;
  // Hours are counted from that of the first request on.
  beforeEach(() => insert([row(NOW - 24 * HOUR, random)]));
  /** Has all hours with outcomes counted again, as those that are not complete are. */
  const reopen = () => env.LOG_DB.prepare("UPDATE rollup_hours SET pending = pending + 1").run();

  it("is compared with the test error, from 200 sales on", async () => {
    await sell(199, 300);
    expect(await live()).toMatchObject({
      stones: 199,
      mae: 300,
      testMae: 300,
      testMape: 0.08,
      verdict: "not enough data",
    });
    await sell(1, 300, 199);
    await reopen();
    const found = await live();
    expect(found).toMatchObject({ stones: 200, mae: 300, verdict: "as tested" });
    expect(found?.mape).toBeCloseTo(300 / 1300, 12);
    await sell(200, 460, 200);
    await reopen();
    expect(await live()).toMatchObject({ stones: 400, mae: 380, verdict: "worse than tested" });
  });

  it("is that of the counts: no outcome is read for it", async () => {
    await sell(200, 300);
    const before = await live();
    await env.LOG_DB.prepare("DELETE FROM outcomes").run();
    expect(await live()).toEqual(before);
  });

  it("is that of the corrected price, in whatever hour the first one was told", async () => {
    for (const hours of [20, 19, 1]) await tell(`p${hours}`, 1500, NOW - hours * HOUR);
    await tell("p20", 1100, NOW - 10 * HOUR);
    expect(await live()).toMatchObject({ stones: 3, mae: (100 + 500 + 500) / 3 });
    // Both hours are counted by now.
    await tell("p20", 1200, NOW);
    await tell("p19", 1000, NOW);
    expect(await live()).toMatchObject({ stones: 3, mae: (200 + 0 + 500) / 3 });
  });

  it("is without what was forgotten, and the price before a correction counts again", async () => {
    for (const hours of [20, 19]) await tell(`p${hours}`, 1500, NOW - hours * HOUR);
    await tell("p20", 1100, NOW - 5 * HOUR);
    expect(await live()).toMatchObject({ stones: 2, mae: 300 });
    const { results } = await env.LOG_DB.prepare("SELECT id FROM outcomes WHERE price = 1100").all();
    await deleteOutcomes(env.LOG_DB, String(results[0]?.id));
    expect(await live()).toMatchObject({ stones: 2, mae: 500 });
    await deleteOutcomes(env.LOG_DB, "p19");
    expect(await live()).toMatchObject({ stones: 1, mae: 500 });
  });
});

describe("rollUp", () => {
  const traffic = () => sample(400).map((stone, i) => prediction(NOW - i * 10 * 60_000, stone));

  it("run twice, or at once, counts once", async () => {
    await insert(traffic());
    await rollUpAll();
    const once = await dump();
    expect(once.length).toBeGreaterThan(500);
    await rollUpAll();
    await Promise.all([rollUp(env, NOW), rollUp(env, NOW), rollUp(env, NOW)]);
    expect(await dump()).toEqual(once);
  });

  it("looks at an hour until it is complete, and then no more", async () => {
    await insert(traffic());
    await rollUpAll();
    const hours = [];
    // Half past nine, ten past ten, five past eleven.
    for (const minutes of [0, 40, 95]) hours.push(await rollUp(env, NOW + minutes * 60_000));
    expect(hours).toEqual([1, 2, 2]);
    expect(await rollUp(env, NOW + 105 * 60_000)).toBe(2);
    expect(await rollUp(env, NOW + 110 * 60_000)).toBe(1);
  });

  it("comes late, and cut off at any call, and counts all the same", async () => {
    await insert(traffic());
    for (let k = 1; k < 40; k++) {
      let calls = 0;
      const fail = () => {
        if (++calls >= k) throw new Error("the run was cut off");
      };
      const LOG_DB = wrap(env.LOG_DB, {
        prepare: (sql: string) => {
          fail();
          return env.LOG_DB.prepare(sql);
        },
        batch: async <T>(statements: D1PreparedStatement[]) => {
          fail();
          return env.LOG_DB.batch<T>(statements);
        },
      });
      await rollUp({ ...env, LOG_DB }, NOW).catch(() => {});
    }
    await rollUpAll();
    const found = await dump();
    await env.LOG_DB.batch([
      env.LOG_DB.prepare("DELETE FROM rollups"),
      env.LOG_DB.prepare("DELETE FROM rollup_hours"),
    ]);
    await rollUpAll();
    expect(found).toEqual(await dump());
    expect((await createReport(env, "7d", NOW)).requests).toBe(400);
  });

  it("counts an hour again into which late records came", async () => {
    await insert(traffic());
    await rollUpAll();
    await insert(sample(10).map((stone) => prediction(NOW - 50 * HOUR, stone)));
    expect((await createReport(env, "7d", NOW)).requests).toBe(400);
    await rollUpAll();
    expect((await createReport(env, "7d", NOW)).requests).toBe(410);
  });

  it("is not stopped by bodies that cannot be read", async () => {
    await insert([
      prediction(NOW, {}, { requestBody: '{"carat":' }),
      batch(NOW, [], { requestBody: null, responseBody: "x" }),
      batch(NOW - 6 * 60_000, sample(5), { bodies: "log-bodies/gone.json" }),
    ]);
    const fails = {
      ...env,
      MODELS: wrap(env.MODELS, { get: () => Promise.reject(new Error("R2 is down")) }),
    };
    await rollUp(fails, NOW);
    const [model] = (await createReport(env, "24h", NOW)).models;
    expect(model).toMatchObject({ requests: 3, drift: { carat: { stones: 0 } } });
  });

  /** The environment with its calls counted as the platform counts them. */
  function counting() {
    let calls = 0;
    const LOG_DB = wrap(env.LOG_DB, {
      prepare: (sql: string) => {
        calls++;
        return env.LOG_DB.prepare(sql);
      },
    });
    const MODELS = wrap(env.MODELS, {
      get: (async (key: string) => {
        calls++;
        return env.MODELS.get(key);
      }) as R2Bucket["get"],
    });
    return { bindings: { ...env, LOG_DB, MODELS }, calls: () => calls };
  }

  it("counts all traffic of a busy hour, and looks at a sample of its stones, from all of the hour", async () => {
    const hour = Math.floor(NOW / HOUR) * HOUR - HOUR;
    const half = (i: number, count: number) => ({ carat: i < count / 2 ? 0.3 : 3 });
    await insert([
      ...Array.from({ length: 6000 }, (_, i) => prediction(spread(i, 6000, 1), half(i, 6000))),
      ...Array.from({ length: 600 }, (_, i) => {
        const stone = { ...test[0]!, ...half(i, 600) };
        return batch(spread(i, 600, 1), [stone, stone, stone]);
      }),
    ]);
    const { bindings, calls } = counting();
    expect(await rollUp(bindings, NOW)).toBe(2);
    expect(calls()).toBeLessThan(30);
    const [model] = (await createReport(env, "24h", NOW)).models;
    expect(model).toMatchObject({ requests: 6600, stones: 12 * 100 + 12 * 2 * 3 });
    const counted = await env.LOG_DB.prepare("SELECT counts FROM rollups WHERE subject = ?1 AND hour = ?2")
      .bind("boosting@2 carat", hour / HOUR)
      .first<{ counts: string }>();
    const bins = JSON.parse(counted?.counts ?? "[]").filter((count: number) => count > 0);
    expect(bins).toEqual([636, 636]);

    let read = 0;
    const watched = wrap(env.LOG_DB, {
      prepare: (sql: string) => {
        const statement = env.LOG_DB.prepare(sql);
        return wrap(statement, {
          bind: (...values: unknown[]) => {
            const bound = statement.bind(...values);
            return wrap(bound, {
              all: async <T>() => {
                const result = await bound.all<T>();
                read += result.meta.rows_read;
                return result;
              },
            });
          },
        });
      },
    });
    const answered = { route: "/v1/predictions", model: MODEL.name, version: MODEL.version };
    expect(await samplePredictions(watched, hour / HOUR, answered, 100)).toHaveLength(1200);
    expect(read).toBeLessThan(4000);
  });

  it("makes a bounded number of calls, whatever is asked", async () => {
    const bodies = batch(NOW, sample(2));
    const versions = Array.from({ length: 12 }, (_, i) => ({ name: "many", version: i + 1 }));
    for (const version of versions) await publish(version);
    await env.DB.prepare("UPDATE models SET histograms = (SELECT histograms FROM models WHERE name = ?1)")
      .bind(MODEL.name)
      .run();
    await env.MODELS.put(
      "log-bodies/many.json",
      JSON.stringify({ requestBody: bodies.requestBody, responseBody: bodies.responseBody }),
    );
    for (const { name: model, version: modelVersion } of versions)
      await insert(
        Array.from({ length: 5 * (36 + modelVersion) }, (_, i) =>
          batch(spread(i, 5 * (36 + modelVersion), 5), [], {
            bodies: "log-bodies/many.json",
            model,
            modelVersion,
          }),
        ),
      );
    const { bindings, calls } = counting();
    const first = await rollUp(bindings, NOW);
    expect(first).toBeGreaterThanOrEqual(2);
    expect(calls()).toBeLessThanOrEqual(500);
    let runs = 1;
    while ((await rollUp(env, NOW)) > 1) runs++;
    expect(runs).toBeLessThan(5);
    const { models } = await createReport(env, "24h", NOW);
    expect(models.map(({ requests }) => requests)).toEqual(
      versions.map(({ version }) => 5 * (36 + version)).reverse(),
    );
    // In each of the five hours the eight busiest; two batches of two stones in each of its parts.
    expect(models.map(({ stones }) => stones)).toEqual([...Array(8).fill(5 * 12 * 2 * 2), 0, 0, 0, 0]);
  });

  it("counts the other hours where one cannot be counted, and says so", async () => {
    await insert([5, 4, 3, 2, 1].map((hours) => prediction(NOW - hours * HOUR, {})));
    const broken = firstIdAt(Math.floor(NOW / HOUR) * HOUR - 3 * HOUR);
    const LOG_DB = wrap(env.LOG_DB, {
      prepare: (sql: string) => {
        const statement = env.LOG_DB.prepare(sql);
        return wrap(statement, {
          bind: (...values: unknown[]) => {
            if (values[0] === broken) throw new Error("this hour is too much");
            return statement.bind(...values);
          },
        });
      },
    });
    const run = rollUp({ ...env, LOG_DB }, NOW);
    await expect(run).rejects.toThrow("1 hours could not be counted, and 5 were");
    await expect(run).rejects.toMatchObject({ cause: { message: "this hour is too much" } });
    expect((await createReport(env, "24h", NOW)).requests).toBe(4);
    await rollUpAll();
    expect((await createReport(env, "24h", NOW)).requests).toBe(5);
  });
});

describe("GET /v1/monitoring", () => {
  it("answers from the counts of the last run", async () => {
    const headers = bearer(await makeKey("admin", ["admin"]));
    await call("/v1/models");
    await worker.scheduled(createScheduledController(), env);
    for (const window of ["", "?window=24h", "?window=7d", "?window=30d"]) {
      const { status, text } = await call(`/v1/monitoring${window}`, { headers });
      expect(status).toBe(200);
      expect(JSON.parse(text)).toMatchObject({
        window: window.slice(8) || "24h",
        routes: expect.arrayContaining([expect.objectContaining({ route: "/v1/models", requests: 1 })]),
      });
    }
  });

  it("refuses other windows, and callers who may not", async () => {
    const headers = bearer(await makeKey("admin", ["admin"]));
    const { status, text } = await call("/v1/monitoring?window=1h", { headers });
    expect(status).toBe(422);
    expect((JSON.parse(text) as Refusal).errors).toEqual([
      { path: "window", message: "window must be one of 24h, 7d, 30d" },
    ]);
    expect((await call("/v1/monitoring")).status).toBe(401);
  });
});
