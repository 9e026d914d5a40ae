import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { deleteOutcomes, insertOutcome } from "../../../src/db/request-log/outcomes.ts";
import { HOUR_MS } from "../../../src/lib/time.ts";
import {
  createHealthCheck,
  createOutcomeId,
  MODEL,
  NOW,
  publishMonitoredModel,
  rollUpAndReport,
} from "../support/monitoring.ts";
import { insertRecords } from "../support/request-log/log-rows.ts";

beforeEach(async () => {
  await publishMonitoredModel();
  // The first run counts the hours from the oldest request on.
  await insertRecords([createHealthCheck(NOW - 24 * HOUR_MS)]);
});

/** Reports the sale price of a stone whose predicted price was 1000. */
async function reportOutcome(prediction: string, price: number, at: number): Promise<void> {
  await insertOutcome(env.LOG_DB, {
    prediction,
    item: 0,
    id: createOutcomeId(at),
    at,
    price,
    soldAt: null,
    caller: null,
    predicted: 1000,
    model: MODEL.name,
    modelVersion: MODEL.version,
  });
}

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
    await deleteOutcomes(env.LOG_DB, String(results[0]?.id));
    expect(await reportLiveError()).toMatchObject({ stones: 2, mae: 500 });
    await deleteOutcomes(env.LOG_DB, "p19");
    expect(await reportLiveError()).toMatchObject({ stones: 1, mae: 500 });
  });
});
