import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { countOutcomes } from "../../../src/db/request-log/outcomes.ts";
import { call, get, post, type Refusal, STONE } from "../support/call.ts";
import { bearer, makeKey } from "../support/keys.ts";
import { generator, idAt } from "../support/log-rows.ts";
import { point, publish } from "../support/registry.ts";

interface Kept {
  id: string;
  prediction: string;
  index: number;
  price: number;
  predicted: number;
  model: { name: string; version: number };
  corrects: number | null;
}

let single: { id: string; price: number };
let batch: { id: string; predictions: { price: number }[] };
let headers: Record<string, string>;

beforeAll(async () => {
  await publish({ name: "steep", version: 3, file: "steep" });
  await point("champion", { name: "steep", version: 3 });
  single = (await post<typeof single>("/v1/predictions", STONE)).body;
  const diamonds = Array.from({ length: 1000 }, (_, i) => ({ ...STONE, carat: 0.5 + i / 1000 }));
  // With so much air that its bodies are too large for a row.
  const airy = JSON.stringify({ diamonds }, null, 10);
  batch = (await post<typeof batch>("/v1/predictions/batch", airy)).body;
  headers = bearer(await makeKey("admin", ["admin"]));
});

const tell = (id: string, outcome: object) => post<Kept>(`/v1/predictions/${id}/outcome`, outcome);

describe("POST /v1/predictions/{id}/outcome", () => {
  it("joins a sale to its prediction; a correction counts instead, and history stays", async () => {
    const first = await tell(single.id, { price: 1500, soldAt: "2026-11-20" });
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      id: first.id,
      prediction: single.id,
      index: 0,
      price: 1500,
      soldAt: "2026-11-20",
      predicted: single.price,
      model: { name: "steep", version: 3 },
      corrects: null,
    });
    await scheduler.wait(2);
    const second = await tell(single.id, { price: 1400, soldAt: "2026-11-21T10:00:00+01:00" });
    expect(second.body).toMatchObject({ price: 1400, corrects: 1500 });

    const { text } = await call(`/v1/requests/${single.id}`, { headers });
    expect(JSON.parse(text).outcomes).toMatchObject([
      { id: second.id, price: 1400, index: 0, soldAt: "2026-11-21T10:00:00+01:00" },
      { id: first.id, price: 1500, index: 0, soldAt: "2026-11-20" },
    ]);
    const error = Math.abs(1400 - single.price);
    expect(await countOutcomes(env.LOG_DB, 0, Date.now() + 1000)).toEqual([
      { model: "steep", version: 3, stones: 1, error, share: error / 1400 },
    ]);
  });

  it("knows the stones of a batch by their place, also where its bodies lie in the bucket", async () => {
    const stored = await env.LOG_DB.prepare("SELECT bodies FROM requests WHERE id = ?")
      .bind(batch.id)
      .first();
    expect(stored?.bodies).toEqual(expect.any(String));
    for (const index of [0, 7, 999]) {
      const { status, body } = await tell(batch.id, { price: 1000 + index, index });
      expect(status).toBe(201);
      expect(body).toMatchObject({ index, predicted: batch.predictions[index]?.price, corrects: null });
    }
    const [live] = await countOutcomes(env.LOG_DB, 0, Date.now() + 1000);
    const errors = [
      Math.abs(1400 - single.price) / 1400,
      ...[0, 7, 999].map((i) => Math.abs(1000 + i - (batch.predictions[i]?.price ?? 0)) / (1000 + i)),
    ];
    expect(live?.stones).toBe(4);
    expect(live?.share).toBeCloseTo(
      errors.reduce((sum, error) => sum + error, 0),
      12,
    );
    expect(await countOutcomes(env.LOG_DB, Date.now() + 1000, Date.now() + 2000)).toEqual([]);
  });

  it("asks which stone of a batch is meant", async () => {
    const { status, body } = await post<Refusal>(`/v1/predictions/${batch.id}/outcome`, { price: 1000 });
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ path: "index", message: expect.stringContaining("1000 stones") }]);
  });

  it.each([
    ["an unknown id", () => idAt(0, generator(1)), {}],
    ["what is no id", () => "champion", {}],
    ["a stone that a batch has not", () => batch.id, { index: 1000 }],
    ["a second stone of one", () => single.id, { index: 1 }],
  ])("knows no prediction of %s", async (_, id, more) => {
    const { status, body } = await post<Refusal>(`/v1/predictions/${id()}/outcome`, { price: 1, ...more });
    expect(status).toBe(404);
    expect(body.detail).toContain(id());
  });

  it("knows no prediction of requests that were none", async () => {
    const health = await get("/health");
    const ready = await get("/ready");
    const refused = await post("/v1/predictions", { ...STONE, cut: "Ruby" });
    const outcome = await tell(single.id, { price: 1400 });
    for (const { id } of [health, ready, refused, outcome])
      expect((await tell(id, { price: 1000 })).status).toBe(404);
  });

  it.each([
    [{}, "price", "price is required"],
    [{ price: 0 }, "price", "price must be a number of US dollars from 0.01 to 1,000,000,000"],
    [{ price: "1000" }, "price", "price must be a number of US dollars from 0.01 to 1,000,000,000"],
    [{ price: 1e10 }, "price", "price must be a number of US dollars from 0.01 to 1,000,000,000"],
    [{ price: 1000, soldAt: "yesterday" }, "soldAt", expect.stringContaining("a day such as")],
    [{ price: 1000, soldAt: "2999-01-01" }, "soldAt", expect.stringContaining("not in the future")],
    [{ price: 1000, index: -1 }, "index", expect.stringContaining("a whole number from 0")],
    [{ price: 1000, index: 0.5 }, "index", expect.stringContaining("a whole number from 0")],
    [{ price: 1000, seller: "me" }, "seller", expect.stringContaining("known are price, soldAt, index")],
  ])("refuses %j", async (outcome, path, message) => {
    const { status, body } = await post<Refusal>(`/v1/predictions/${single.id}/outcome`, outcome);
    expect(status).toBe(422);
    expect(body.errors).toEqual([{ path, message }]);
  });
});
