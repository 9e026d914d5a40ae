import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../../../src/domain/diamond.ts";
import type { ModelTraffic } from "../../../src/domain/monitoring.ts";
import { HOUR_MS } from "../../../src/lib/time.ts";
import {
  createBatch,
  createPrediction,
  NOW,
  publishMonitoredModel,
  rollUpAndReport,
  sampleStones,
  spreadTime,
  testStones,
} from "../support/monitoring.ts";
import { insertRecords } from "../support/request-log/log-rows.ts";

beforeEach(() => publishMonitoredModel());

async function reportModel(): Promise<ModelTraffic> {
  const [model] = (await rollUpAndReport()).models;
  return model!;
}

describe("drift", () => {
  it("is stable in every column if the stones come from the test split", async () => {
    const requested = sampleStones(3000);
    await insertRecords(
      requested.map((stone, i) => createPrediction(spreadTime(i, requested.length, 20), stone)),
    );
    const drift = Object.entries((await reportModel()).drift ?? {});
    expect(drift.map(([column]) => column).sort()).toEqual(
      [...NUMBER_COLUMNS, ...GRADE_COLUMNS, "price"].sort(),
    );
    for (const [column, columnDrift] of drift) {
      expect(columnDrift, column).toMatchObject({ stones: 3000, verdict: "stable" });
      expect(columnDrift.psi).toBeLessThan(0.02);
    }
  });

  it("is significant only in carat and price if all carats are doubled", async () => {
    const doubled = sampleStones(1000).map((stone) => ({ ...stone, carat: stone.carat * 2 }));
    await insertRecords(doubled.map((stone, i) => createPrediction(spreadTime(i, 1000, 2), stone)));
    const drift = (await reportModel()).drift ?? {};
    const columns = Object.groupBy(Object.keys(drift), (column) => drift[column]?.verdict ?? "");
    expect(columns.significant?.sort()).toEqual(["carat", "price"]);
    expect(columns.stable).toHaveLength(8);
  });

  it("is moderate if 30 % of the stones are heavy", async () => {
    const heavy = testStones.filter(({ carat }) => carat >= 1);
    const requested = Array.from(
      { length: 1000 },
      (_, i) => sampleStones(1, i % 10 < 7 ? testStones : heavy)[0]!,
    );
    await insertRecords(requested.map((stone, i) => createPrediction(spreadTime(i, 1000, 2), stone)));
    expect((await reportModel()).drift?.carat?.verdict).toBe("moderate");
  });

  it("has no verdict below 200 stones", async () => {
    const doubled = sampleStones(199).map((stone) => ({ ...stone, carat: stone.carat * 2 }));
    await insertRecords(doubled.map((stone, i) => createPrediction(spreadTime(i, 199, 1), stone)));
    expect((await reportModel()).drift?.carat).toMatchObject({ stones: 199, verdict: "not enough data" });
    await insertRecords(sampleStones(1).map((stone) => createPrediction(NOW - HOUR_MS, stone)));
    expect((await reportModel()).drift?.carat).toMatchObject({ stones: 200, verdict: "significant" });
  });

  it("includes the stones of batches, even if their bodies are in the bucket", async () => {
    const requested = sampleStones(500);
    const small = createBatch(NOW, requested.slice(0, 250));
    const large = createBatch(NOW, requested.slice(250));
    const { requestBody, responseBody } = large;
    await env.MODELS.put("log-bodies/x.json", JSON.stringify({ requestBody, responseBody }));
    const excerpts = {
      requestBody: requestBody?.slice(0, 100) ?? null,
      responseBody: responseBody?.slice(0, 100) ?? null,
    };
    await insertRecords([small, { ...large, ...excerpts, bodies: "log-bodies/x.json" }]);
    const model = await reportModel();
    expect(model).toMatchObject({ requests: 2, stones: 500 });
    for (const [column, drift] of Object.entries(model.drift ?? {}))
      expect(drift, column).toMatchObject({ stones: 500, verdict: "stable" });
  });

  it("reads grades as callers spell them, and null as a value that was left out", async () => {
    const records = sampleStones(200).map((stone, i) => {
      const record = createPrediction(spreadTime(i, 200, 1), stone);
      const body = {
        ...stone,
        cut: ` ${stone.cut.toLowerCase()}`,
        color: stone.color.toLowerCase(),
        depth: null,
      };
      return { ...record, requestBody: JSON.stringify(body) };
    });
    await insertRecords(records);
    const { drift } = await reportModel();
    expect(drift).toMatchObject({
      cut: { stones: 200, verdict: "stable" },
      color: { stones: 200, verdict: "stable" },
      // The price is the predicted one, not the one that the caller sent with the stone.
      price: { stones: 200, verdict: "stable" },
    });
    expect(drift?.depth?.stones ?? 0).toBe(0);
  });

  it("includes only values that callers sent, and no rejected stones", async () => {
    const requested = sampleStones(300);
    await insertRecords([
      ...requested
        .slice(0, 200)
        .map(({ carat, cut, color, clarity }, i) =>
          createPrediction(spreadTime(i, 300, 1), { carat, cut, color, clarity }),
        ),
      ...requested.slice(200).map((stone, i) => createPrediction(spreadTime(200 + i, 300, 1), stone)),
      ...requested.map((stone, i) =>
        createPrediction(spreadTime(i, 300, 1), stone, {
          status: 422,
          model: null,
          modelVersion: null,
          price: null,
        }),
      ),
    ]);
    const { drift } = await reportModel();
    expect(drift).toMatchObject({ carat: { stones: 300 }, cut: { stones: 300 }, price: { stones: 300 } });
    expect(drift).toMatchObject({ depth: { stones: 100, verdict: "not enough data" }, x: { stones: 100 } });
  });
});
