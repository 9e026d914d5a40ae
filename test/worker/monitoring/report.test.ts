import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../../src/lib/time.ts";
import { createReport, type Window } from "../../../src/monitoring/report.ts";
import worker from "../../../src/worker.ts";
import { call, type ProblemDetails } from "../support/call.ts";
import { createAuthorizationHeader, createKey } from "../support/keys.ts";
import {
  CURRENT_HOUR,
  createHealthCheck,
  createPrediction,
  MODEL,
  NOW,
  publishMonitoredModel,
  rollUpAll,
  rollUpAndReport,
} from "../support/monitoring.ts";
import { insertRecords } from "../support/request-log/log-rows.ts";

beforeEach(() => publishMonitoredModel());

/** Returns numbers that are spread evenly from `start` to `end`, without `end`. */
function spreadNumbers(start: number, end: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + ((end - start) * i) / count);
}

describe("createReport", () => {
  it("counts requests by route, status and model version, and estimates their latency", async () => {
    const at = NOW - 2 * HOUR_MS;
    const rejected = { model: null, modelVersion: null, price: null };
    await insertRecords([
      ...spreadNumbers(10, 15, 90).map((durationMs) => createPrediction(at, {}, { durationMs })),
      ...spreadNumbers(150, 200, 10).map((durationMs) => createPrediction(at, {}, { durationMs })),
      ...spreadNumbers(2, 3, 18).map((durationMs) =>
        createPrediction(at, {}, { ...rejected, durationMs, status: 422 }),
      ),
      ...spreadNumbers(30, 50, 2).map((durationMs) =>
        createPrediction(at, {}, { ...rejected, durationMs, status: 429 }),
      ),
      ...spreadNumbers(0, 1, 5).map((durationMs) =>
        createPrediction(
          NOW - 20 * HOUR_MS,
          {},
          { durationMs, status: 503, model: null, modelVersion: null },
        ),
      ),
      ...spreadNumbers(0, 1, 7).map((durationMs) =>
        createPrediction(at, {}, { durationMs, modelVersion: 1 }),
      ),
      ...spreadNumbers(0, 1, 3).map((durationMs) =>
        createHealthCheck(at, { path: "/x", route: null, status: 404, durationMs }),
      ),
      // Probes are not traffic.
      ...spreadNumbers(0, 1, 50).map(() => createHealthCheck(at)),
      ...spreadNumbers(0, 1, 50).map(() =>
        createHealthCheck(at, {
          path: "/ready",
          route: "/ready",
          status: 503,
          model: MODEL.name,
          modelVersion: 2,
        }),
      ),
      // This request is older than the window.
      createPrediction(NOW - 26 * HOUR_MS),
    ]);
    const { requests, errorShare, refusedShare, routes, models, since, countedUntil } =
      await rollUpAndReport();
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
    // Of the 107 requests with status 200, 7 took under 1 ms, 90 took 10 to 15 ms, 10 took 150 to 200 ms.
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

  it("contains only the requests of its window", async () => {
    for (const days of [0.1, 3, 20, 40]) await insertRecords([createPrediction(NOW - days * 24 * HOUR_MS)]);
    await rollUpAll();
    const countRequests = async (window: Window) => (await createReport(env, window, NOW)).requests;
    expect([await countRequests("24h"), await countRequests("7d"), await countRequests("30d")]).toEqual([
      1, 2, 3,
    ]);
  });

  it("says until when requests are counted, even if the last count is long ago", async () => {
    await insertRecords([createPrediction(NOW - 3 * HOUR_MS)]);
    await rollUpAll();
    const readCountedUntil = async (now: number) => (await createReport(env, "24h", now)).countedUntil;
    for (const hours of [0, 1, 3, 50])
      expect(await readCountedUntil(NOW + hours * HOUR_MS)).toBe("2026-11-20T09:30:00.000Z");
    // A late record marks an old hour dirty, which does not change how far the newest count reaches.
    await insertRecords([createPrediction(NOW - 3 * HOUR_MS)]);
    expect(await readCountedUntil(NOW + HOUR_MS)).toBe("2026-11-20T09:30:00.000Z");
    await env.LOG_DB.prepare("DELETE FROM rollup_hours WHERE hour = ?1").bind(CURRENT_HOUR).run();
    expect(await readCountedUntil(NOW)).toBe("2026-11-20T09:00:00.000Z");
  });

  it("is empty before the first count", async () => {
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

describe("GET /v1/monitoring", () => {
  it("reports the counts of the last run", async () => {
    const headers = createAuthorizationHeader(await createKey("admin", ["admin"]));
    await call("/v1/models");
    await worker.scheduled(createScheduledController(), env);
    for (const query of ["", "?window=24h", "?window=7d", "?window=30d"]) {
      const { status, text } = await call(`/v1/monitoring${query}`, { headers });
      expect(status).toBe(200);
      expect(JSON.parse(text)).toMatchObject({
        window: query.slice("?window=".length) || "24h",
        routes: expect.arrayContaining([expect.objectContaining({ route: "/v1/models", requests: 1 })]),
      });
    }
  });

  it("rejects other windows, and callers without a key", async () => {
    const headers = createAuthorizationHeader(await createKey("admin", ["admin"]));
    const { status, text } = await call("/v1/monitoring?window=1h", { headers });
    expect(status).toBe(422);
    expect((JSON.parse(text) as ProblemDetails).errors).toEqual([
      { path: "window", message: 'window must be one of 24h, 7d, 30d; it is the text "1h"' },
    ]);
    expect((await call("/v1/monitoring")).status).toBe(401);
  });
});
