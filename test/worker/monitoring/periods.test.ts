import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../../src/lib/time.ts";
import { createReport, type Window } from "../../../src/monitoring/report.ts";
import {
  CURRENT_HOUR,
  createPrediction,
  NOW,
  publishMonitoredModel,
  reportOutcome,
  rollUpAll,
} from "../support/monitoring.ts";
import { insertRecords } from "../support/request-log/log-rows.ts";

beforeEach(() => publishMonitoredModel());

const readPeriods = async (window: Window) => (await createReport(env, window, NOW)).periods;

describe("the periods of a window", () => {
  it.each([
    ["24h", 25, "2026-11-19T09:00:00.000Z", "2026-11-20T09:00:00.000Z"],
    ["7d", 29, "2026-11-13T09:00:00.000Z", "2026-11-20T06:00:00.000Z"],
    ["30d", 31, "2026-10-21T09:00:00.000Z", "2026-11-20T00:00:00.000Z"],
  ] as const)(
    "cover %s without a gap, and are empty without requests",
    async (window, count, first, last) => {
      const periods = await readPeriods(window);
      expect(periods).toHaveLength(count);
      expect([periods[0]?.from, periods.at(-1)?.from]).toEqual([first, last]);
      expect(periods[0]).toEqual({
        from: first,
        requests: 0,
        errorShare: null,
        refusedShare: null,
        latency: { p50: null, p95: null, p99: null },
        live: { stones: 0, mae: null },
        expected: { stones: 0, mae: null },
      });
    },
  );

  it("have the requests, the errors and the latency of their own hours", async () => {
    await insertRecords([
      createPrediction((CURRENT_HOUR - 24) * HOUR_MS, {}, { durationMs: 2.5 }),
      createPrediction((CURRENT_HOUR - 1) * HOUR_MS, {}, { durationMs: 12 }),
      createPrediction(CURRENT_HOUR * HOUR_MS - 1, {}, { durationMs: 12, status: 503 }),
      createPrediction(CURRENT_HOUR * HOUR_MS, {}, { durationMs: 40, status: 404 }),
    ]);
    await rollUpAll();
    const hours = await readPeriods("24h");
    expect(hours.map(({ requests }) => requests)).toEqual([1, ...Array(22).fill(0), 2, 1]);
    expect(hours.at(-2)).toMatchObject({ errorShare: 0.5, refusedShare: 0, latency: { p50: 12.5 } });
    expect(hours.at(-1)).toMatchObject({ errorShare: 0, refusedShare: 1, latency: { p50: 40 } });
    const days = await readPeriods("30d");
    expect(days.slice(-2).map(({ requests }) => requests)).toEqual([1, 3]);
  });

  it("have the error of the sales that were reported in them, of all models together", async () => {
    const at = NOW - 3 * HOUR_MS;
    await insertRecords([createPrediction(NOW - 20 * HOUR_MS)]);
    await reportOutcome("p1", 1100, at, { version: 1 });
    await reportOutcome("p2", 1300, at, { version: 2 });
    await rollUpAll();
    const periods = await readPeriods("24h");
    expect(periods.at(-4)?.live).toEqual({ stones: 2, mae: 200 });
    expect(periods.filter(({ live }) => live.stones > 0)).toHaveLength(1);
  });
});
