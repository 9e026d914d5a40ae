import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, inject, it } from "vitest";
import { insertOutcome } from "../../src/db/outcomes.ts";
import type { RequestRecord } from "../../src/db/requests.ts";
import { GRADE_COLUMNS, NUMBER_COLUMNS, type PricedStone } from "../../src/domain/diamond.ts";
import { LATENCY_EDGES, percentile } from "../../src/domain/latency.ts";
import type { Monitoring } from "../../src/domain/monitoring.ts";
import { isTest } from "../../src/domain/split.ts";
import { monitor } from "../../src/log/monitor.ts";
import { rollUp } from "../../src/log/rollup.ts";
import { histogramsOf } from "../../training/histograms.ts";
import { call, type Refusal } from "./call.ts";
import { empty } from "./empty.ts";
import { wrap } from "./faults.ts";
import { bearer, makeKey } from "./keys.ts";
import { generator, idAt, insert, row } from "./log-rows.ts";
import { publish } from "./registry.ts";

const HOUR = 3_600_000;
/** Half past nine. */
const NOW = Date.UTC(2026, 10, 20, 9, 30);
const MODEL = { name: "boosting", version: 2 };
const COLUMNS = [...NUMBER_COLUMNS, ...GRADE_COLUMNS, "price"];

const stones: readonly (PricedStone & { splitKey: number })[] = JSON.parse(inject("stones"));
const train = stones.filter(({ splitKey }) => !isTest(splitKey, 7));
const test = stones.filter(({ splitKey }) => isTest(splitKey, 7));
/** A model that is simple enough to be known: price by weight alone. */
const priceOf = ({ carat }: Pick<PricedStone, "carat">) => Math.round(4000 * carat ** 1.7);

let random: () => number;

beforeEach(async () => {
  await empty();
  random = generator(11);
  await publish(MODEL);
  const histograms = histogramsOf(train, test.map(priceOf));
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
const dump = async () =>
  (await env.LOG_DB.prepare("SELECT * FROM rollups ORDER BY hour, kind, subject").all()).results;
const rollUpAll = async (now = NOW) => {
  while ((await rollUp(env, now)) > 1);
};

async function measured(window: "24h" | "7d" | "30d" = "24h"): Promise<Monitoring> {
  await rollUpAll();
  return monitor(env, window, NOW);
}

describe("traffic", () => {
  it("is counted by route, status and model version, with its latency", async () => {
    const at = NOW - 2 * HOUR;
    const spread = (from: number, to: number, count: number) =>
      Array.from({ length: count }, (_, i) => from + ((to - from) * i) / count);
    await insert([
      ...spread(10, 15, 90).map((durationMs) => prediction(at, {}, { durationMs })),
      ...spread(150, 200, 10).map((durationMs) => prediction(at, {}, { durationMs })),
      ...spread(2, 3, 20).map((durationMs) =>
        prediction(at, {}, { durationMs, status: 422, model: null, modelVersion: null, price: null }),
      ),
      ...spread(0, 1, 5).map((durationMs) =>
        prediction(NOW - 20 * HOUR, {}, { durationMs, status: 503, model: null, modelVersion: null }),
      ),
      ...spread(0, 1, 7).map((durationMs) => prediction(at, {}, { durationMs, modelVersion: 1 })),
      ...spread(0, 1, 3).map((durationMs) =>
        row(at, random, { path: "/x", route: null, status: 404, durationMs }),
      ),
      // No traffic, and out of the window.
      ...spread(0, 1, 50).map(() => row(at, random)),
      ...spread(0, 1, 50).map(() =>
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
          { class: "2xx", requests: 107 },
          { class: "4xx", requests: 20, latency: { p50: 2.5, p95: 2.95, p99: 2.99 } },
          { class: "5xx", requests: 5 },
        ],
      },
      { route: null, requests: 3, refusedShare: 1, statuses: [{ class: "4xx", requests: 3 }] },
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
    const requests = async (window: "24h" | "7d" | "30d") => (await monitor(env, window, NOW)).requests;
    expect([await requests("24h"), await requests("7d"), await requests("30d")]).toEqual([1, 2, 3]);
  });

  it("is nothing before the first count", async () => {
    expect(await monitor(env, "7d", NOW)).toMatchObject({
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
    await insert(asked.map((stone, i) => prediction(NOW - (i % 20) * HOUR, stone)));
    const [model] = (await measured()).models;
    expect(Object.keys(model?.drift ?? {}).sort()).toEqual([...COLUMNS].sort());
    for (const [column, drift] of Object.entries(model?.drift ?? {})) {
      expect(drift, column).toMatchObject({ stones: 3000, verdict: "stable" });
      expect(drift.psi).toBeLessThan(0.02);
    }
  });

  it("is significant on carat and price where carats are doubled, and there alone", async () => {
    await insert(sample(1000).map((stone) => prediction(NOW, { ...stone, carat: stone.carat * 2 })));
    const drift = (await measured()).models[0]?.drift ?? {};
    const by = Object.groupBy(Object.keys(drift), (column) => drift[column]?.verdict ?? "");
    expect(by.significant?.sort()).toEqual(["carat", "price"]);
    expect(by.stable).toHaveLength(8);
  });

  it("is moderate in between", async () => {
    const heavy = test.filter(({ carat }) => carat >= 1);
    await insert([...sample(700), ...sample(300, heavy)].map((stone) => prediction(NOW, stone)));
    expect((await measured()).models[0]?.drift?.carat?.verdict).toBe("moderate");
  });

  it("is no verdict below 200 stones", async () => {
    await insert(sample(199).map((stone) => prediction(NOW, { ...stone, carat: stone.carat * 2 })));
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
        .map(({ carat, cut, color, clarity }) => prediction(NOW, { carat, cut, color, clarity })),
      ...asked.slice(200).map((stone) => prediction(NOW, stone)),
      ...asked.map((stone) =>
        prediction(NOW, stone, { status: 422, model: null, modelVersion: null, price: null }),
      ),
    ]);
    const drift = (await measured()).models[0]?.drift;
    expect(drift).toMatchObject({ carat: { stones: 300 }, cut: { stones: 300 }, price: { stones: 300 } });
    expect(drift).toMatchObject({ depth: { stones: 100, verdict: "not enough data" }, x: { stones: 100 } });
  });
});

describe("live error", () => {
  async function sell(count: number, off: number, from = 0) {
    for (let i = from; i < from + count; i++) {
      const id = idAt(NOW - HOUR, random);
      await insertOutcome(env.LOG_DB, {
        prediction: `p${i}`,
        item: 0,
        id,
        at: NOW - HOUR,
        price: 1000 + off,
        soldAt: null,
        caller: null,
        predicted: 1000,
        model: MODEL.name,
        modelVersion: MODEL.version,
      });
    }
  }

  it("is compared with the test error, from 200 sales on", async () => {
    await sell(199, 300);
    expect((await measured()).models[0]?.live).toMatchObject({
      stones: 199,
      mae: 300,
      testMae: 300,
      testMape: 0.08,
      verdict: "not enough data",
    });
    await sell(1, 300, 199);
    const { live } = (await measured()).models[0]!;
    expect(live).toMatchObject({ stones: 200, mae: 300, verdict: "as tested" });
    expect(live.mape).toBeCloseTo(300 / 1300, 12);
    await sell(200, 460, 200);
    expect((await measured()).models[0]?.live).toMatchObject({
      stones: 400,
      mae: 380,
      verdict: "worse than tested",
    });
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
    expect((await monitor(env, "7d", NOW)).requests).toBe(400);
  });

  it("counts an hour again into which late records came", async () => {
    await insert(traffic());
    await rollUpAll();
    await insert(sample(10).map((stone) => prediction(NOW - 50 * HOUR, stone)));
    expect((await monitor(env, "7d", NOW)).requests).toBe(400);
    await rollUpAll();
    expect((await monitor(env, "7d", NOW)).requests).toBe(410);
  });

  it("is not stopped by bodies that cannot be read", async () => {
    await insert([
      prediction(NOW, {}, { requestBody: '{"carat":' }),
      batch(NOW, [], { requestBody: null, responseBody: "x" }),
    ]);
    expect((await measured()).models[0]).toMatchObject({ requests: 2, drift: { carat: { stones: 0 } } });
  });
});

describe("GET /v1/monitoring", () => {
  it("answers from the counts of the last run", async () => {
    const headers = bearer(await makeKey("admin", ["admin"]));
    const { default: worker } = await import("../../src/index.ts");
    const { createScheduledController } = await import("cloudflare:test");
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
