import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  deleteOutcomes,
  deleteReportedOutcome,
  listOutcomeRequests,
} from "../../../src/db/request-log/outcomes.ts";
import { computeExpectedErrors, findDistribution } from "../../../src/domain/prediction/calibration.ts";
import { HOUR_MS } from "../../../src/lib/time.ts";
import { calibration } from "../../support/calibration.ts";
import {
  computePrice,
  createHealthCheck,
  createPrediction,
  NOW,
  publishMonitoredModel,
  reportOutcome,
  rollUpAndReport,
  sampleStones,
  spreadTime,
} from "../support/monitoring.ts";
import { insertRecords } from "../support/request-log/log-rows.ts";

beforeEach(async () => {
  await publishMonitoredModel();
  // The first run counts the hours from the oldest request on.
  await insertRecords([createHealthCheck(NOW - 24 * HOUR_MS)]);
});

/** Reports sale prices of the stones from `from` to the one before `before`, spread over five hours. */
async function reportOutcomes(from: number, before: number, price: number): Promise<void> {
  for (let i = from; i < before; i++) await reportOutcome(`p${i}`, price, NOW - (1 + (i % 5)) * HOUR_MS);
}

async function reportLiveError() {
  return (await rollUpAndReport()).models[0]?.live;
}

/** Marks all hours dirty: these tests report outcomes in past hours, which no run would count again. */
async function markAllHoursDirty(): Promise<void> {
  await env.LOG_DB.prepare("UPDATE rollup_hours SET pending = pending + 1").run();
}

describe("live error", () => {
  it("is compared with the test error from 200 sales on", async () => {
    await reportOutcomes(0, 199, 1300);
    expect(await reportLiveError()).toMatchObject({
      stones: 199,
      mae: 300,
      testMae: 300,
      testMape: 0.08,
      verdict: "not enough data",
    });
    await reportOutcomes(199, 200, 1300);
    await markAllHoursDirty();
    const live = await reportLiveError();
    expect(live).toMatchObject({ stones: 200, mae: 300, verdict: "as tested" });
    expect(live?.mape).toBeCloseTo(300 / 1300, 12);
    await reportOutcomes(200, 400, 1460);
    await markAllHoursDirty();
    expect(await reportLiveError()).toMatchObject({ stones: 400, mae: 380, verdict: "worse than tested" });
  });

  it("is computed from the hourly counts", async () => {
    await reportOutcomes(0, 200, 1300);
    const live = await reportLiveError();
    await env.LOG_DB.prepare("DELETE FROM outcomes").run();
    expect(await reportLiveError()).toEqual(live);
  });

  it("uses the corrected price, in the hour of the correction", async () => {
    for (const hours of [20, 19, 1]) await reportOutcome(`p${hours}`, 1500, NOW - hours * HOUR_MS);
    await reportOutcome("p20", 1100, NOW - 10 * HOUR_MS);
    expect(await reportLiveError()).toMatchObject({ stones: 3, mae: (100 + 500 + 500) / 3 });
    // The hours of the earlier outcomes are already counted.
    await reportOutcome("p20", 1200, NOW);
    await reportOutcome("p19", 1000, NOW);
    expect(await reportLiveError()).toMatchObject({ stones: 3, mae: (200 + 0 + 500) / 3 });
  });

  it("excludes erased outcomes, and uses the previous price if the correction is erased", async () => {
    for (const hours of [20, 19]) await reportOutcome(`p${hours}`, 1500, NOW - hours * HOUR_MS);
    await reportOutcome("p20", 1100, NOW - 5 * HOUR_MS);
    expect(await reportLiveError()).toMatchObject({ stones: 2, mae: 300 });
    const { results } = await env.LOG_DB.prepare("SELECT id FROM outcomes WHERE price = 1100").all();
    await deleteReportedOutcome(env.LOG_DB, String(results[0]?.id));
    expect(await reportLiveError()).toMatchObject({ stones: 2, mae: 500 });
    const requests = await listOutcomeRequests(env.LOG_DB, "p19", { after: "", limit: 10 });
    expect(await deleteOutcomes(env.LOG_DB, "p19", requests)).toBe(1);
    expect(await reportLiveError()).toMatchObject({ stones: 1, mae: 500 });
  });
});

describe("live coverage", () => {
  const reportCoverage = async () => (await rollUpAndReport()).models[0]?.coverage;

  it("is compared with the promised coverage from 200 sales on", async () => {
    await reportOutcomes(0, 159, 1200);
    await reportOutcomes(159, 199, 1201);
    expect(await reportCoverage()).toEqual({
      stones: 199,
      inRange: 159,
      coverage: 159 / 199,
      promised: expect.closeTo(0.8, 12),
      verdict: "not enough data",
    });
    await reportOutcomes(199, 200, 900);
    await markAllHoursDirty();
    expect(await reportCoverage()).toMatchObject({ stones: 200, inRange: 160, verdict: "as promised" });
    // 160 of 221 are 2.8 standard errors below 80 %, and 160 of 224 are 3.2.
    await reportOutcomes(200, 221, 899);
    await markAllHoursDirty();
    expect(await reportCoverage()).toMatchObject({ stones: 221, inRange: 160, verdict: "as promised" });
    await reportOutcomes(221, 224, 899);
    await markAllHoursDirty();
    expect(await reportCoverage()).toMatchObject({ stones: 224, inRange: 160, verdict: "below promised" });
  });

  it("leaves out predictions that had no range", async () => {
    await reportOutcome("p1", 1000, NOW - HOUR_MS, { hasRange: false });
    await reportOutcome("p2", 1000, NOW - HOUR_MS);
    expect(await reportCoverage()).toMatchObject({ stones: 1, inRange: 1 });
    expect(await reportLiveError()).toMatchObject({ stones: 2 });
  });

  it("is null without sales", async () => {
    await insertRecords([createPrediction(NOW - HOUR_MS, sampleStones(1)[0]!)]);
    expect(await reportCoverage()).toEqual({
      stones: 0,
      inRange: 0,
      coverage: null,
      promised: null,
      verdict: "not enough data",
    });
  });
});

describe("expected error", () => {
  const reportExpected = async () => (await rollUpAndReport()).models[0]?.expected;
  const facts = { calibration };

  it("is the mean error that the calibration promises for the stones of the window", async () => {
    await publishMonitoredModel(facts);
    const stones = sampleStones(400);
    await insertRecords(stones.map((stone, i) => createPrediction(spreadTime(i, 400, 5), stone)));
    const errors = stones.map((stone) => {
      const { absolute, relative } = computeExpectedErrors(findDistribution(calibration, stone));
      return { absolute: absolute * computePrice(stone), relative };
    });
    const mean = (name: "absolute" | "relative") =>
      errors.reduce((sum, error) => sum + error[name], 0) / errors.length;
    const expected = await reportExpected();
    expect(expected).toMatchObject({ stones: 400, verdict: "not enough data" });
    expect(expected?.mae).toBeCloseTo(mean("absolute"), 6);
    expect(expected?.mape).toBeCloseTo(mean("relative"), 9);
  });

  it("is compared with the live error once there are sales", async () => {
    await publishMonitoredModel(facts);
    const stones = sampleStones(400);
    await insertRecords(stones.map((stone, i) => createPrediction(spreadTime(i, 400, 5), stone)));
    const { mae } = (await reportExpected())!;
    await reportOutcomes(0, 200, 1000 + mae!);
    await markAllHoursDirty();
    expect(await reportExpected()).toMatchObject({ verdict: "as expected" });
    await reportOutcomes(200, 400, 1000 + 1.6 * mae!);
    await markAllHoursDirty();
    expect(await reportExpected()).toMatchObject({ verdict: "worse than expected" });
  });

  it("counts stones without size in their own distribution", async () => {
    await publishMonitoredModel(facts);
    await insertRecords([createPrediction(NOW - HOUR_MS, { carat: 0.7, x: 5.6 })]);
    const { absolute } = computeExpectedErrors(
      findDistribution(calibration, { carat: 0.7, x: 5.6, y: undefined }),
    );
    expect((await reportExpected())?.mae).toBeCloseTo(absolute * computePrice({ carat: 0.7 }), 6);
  });

  it("is null for a version without calibration", async () => {
    await insertRecords([createPrediction(NOW - HOUR_MS, sampleStones(1)[0]!)]);
    expect(await reportExpected()).toEqual({ stones: 0, mae: null, mape: null, verdict: "not enough data" });
  });
});
