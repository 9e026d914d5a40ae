import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { countOutcomes } from "../../../src/db/request-log/outcomes.ts";
import type { PriceRange } from "../../../src/domain/prediction/prediction.ts";
import worker from "../../../src/worker.ts";
import { calibration } from "../../support/calibration.ts";
import { createRandom } from "../../support/random.ts";
import { call, get, ORIGIN, type ProblemDetails, post, STONE } from "../support/call.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../support/registry.ts";
import { createIdAt } from "../support/request-log/log-rows.ts";

interface OutcomeBody {
  id: string;
  prediction: string;
  index: number;
  price: number;
  predicted: number;
  range: PriceRange | null;
  model: { name: string; version: number };
  corrects: number | null;
}

let single: { id: string; price: number; range: PriceRange };
let batch: { id: string; predictions: { price: number }[] };
let headers: Record<string, string>;

beforeAll(async () => {
  await warmUpRuntime();
  await publishModel({ name: "steep", version: 3, file: "steep", facts: { calibration } });
  await pointAlias("champion", { name: "steep", version: 3 });
  single = (await post<typeof single>("/v1/predictions", STONE)).body;
  const diamonds = Array.from({ length: 1000 }, (_, i) => ({ ...STONE, carat: 0.5 + i / 1000 }));
  // The indentation makes the body too large for a row of the log.
  const indentedJson = JSON.stringify({ diamonds }, null, 10);
  batch = (await post<typeof batch>("/v1/predictions/batch", indentedJson)).body;
  headers = createAuthorizationHeader(await createKey("admin", ["admin"]));
});

const reportOutcome = (id: string, outcome: object) =>
  post<OutcomeBody>(`/v1/predictions/${id}/outcome`, outcome);

describe("POST /v1/predictions/{id}/outcome", () => {
  it("links an outcome to its prediction, replaces it with a correction, and keeps both", async () => {
    const first = await reportOutcome(single.id, { price: 1500, soldAt: "2026-11-20" });
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      id: first.id,
      prediction: single.id,
      index: 0,
      price: 1500,
      soldAt: "2026-11-20",
      predicted: single.price,
      range: single.range,
      model: { name: "steep", version: 3 },
      corrects: null,
    });
    // The correction must have a later time than the first outcome.
    await scheduler.wait(2);
    const second = await reportOutcome(single.id, { price: 1400, soldAt: "2026-11-21T10:00:00+01:00" });
    expect(second.body).toMatchObject({ price: 1400, corrects: 1500 });

    const { text } = await call(`/v1/requests/${single.id}`, { headers });
    expect(JSON.parse(text).outcomes).toMatchObject([
      { id: second.id, price: 1400, index: 0, soldAt: "2026-11-21T09:00:00.000Z" },
      { id: first.id, price: 1500, index: 0, soldAt: "2026-11-20" },
    ]);
    const error = Math.abs(1400 - single.price);
    expect(await countOutcomes(env.LOG_DB, 0, Date.now() + 1000)).toEqual([
      {
        model: "steep",
        version: 3,
        stones: 1,
        absoluteErrorSum: error,
        relativeErrorSum: error / 1400,
        withRange: 1,
        inRange: Number(1400 >= single.range.low && 1400 <= single.range.high),
        coverageSum: 0.9,
      },
    ]);
  });

  it("finds the stones of a batch by index if the bodies of the batch are in the bucket", async () => {
    const stored = await env.LOG_DB.prepare("SELECT bodies FROM requests WHERE id = ?")
      .bind(batch.id)
      .first();
    expect(stored?.bodies).toEqual(expect.any(String));
    for (const index of [0, 7, 999]) {
      const { status, body } = await reportOutcome(batch.id, { price: 1000 + index, index });
      expect(status).toBe(201);
      expect(body).toMatchObject({ index, predicted: batch.predictions[index]?.price, corrects: null });
    }
    const [sums] = await countOutcomes(env.LOG_DB, 0, Date.now() + 1000);
    const errors = [
      Math.abs(1400 - single.price) / 1400,
      ...[0, 7, 999].map((i) => Math.abs(1000 + i - (batch.predictions[i]?.price ?? 0)) / (1000 + i)),
    ];
    expect(sums?.stones).toBe(4);
    expect(sums?.relativeErrorSum).toBeCloseTo(
      errors.reduce((sum, error) => sum + error, 0),
      12,
    );
    expect(await countOutcomes(env.LOG_DB, Date.now() + 1000, Date.now() + 2000)).toEqual([]);
  });

  it("finds a prediction whose log record is still being written", async () => {
    // A body of this size goes to the bucket before its record goes to the log.
    const large = JSON.stringify({ diamonds: Array(1000).fill(STONE) }, null, 10);
    for (const [path, body] of [
      ["/v1/predictions", JSON.stringify(STONE)],
      ["/v1/predictions/batch", large],
    ] as const) {
      const context = createExecutionContext();
      const init = { method: "POST", headers: { "content-type": "application/json" }, body };
      const response = await worker.fetch(new Request(`${ORIGIN}${path}`, init), env, context);
      const { id } = await response.json<{ id: string }>();
      const outcome = await reportOutcome(id, { price: 1500, index: 0 });
      expect(outcome.status, path).toBe(201);
      const { status } = await call(`/v1/requests/${id}`, { headers });
      expect(status, path).toBe(200);
      await waitOnExecutionContext(context);
    }
  });

  it("says when to try again if the prediction may still be on its way to the log", async () => {
    const random = createRandom(2);
    const recent = createIdAt(Date.now(), random);
    for (const path of [`/v1/predictions/${recent}/outcome`, `/v1/requests/${recent}`]) {
      const answer = path.endsWith("outcome")
        ? await post<ProblemDetails>(path, { price: 1500 })
        : await call(path, { headers });
      expect(answer.status).toBe(404);
      expect(answer.text).toContain("Try again");
      expect(answer.response.headers.get("retry-after")).toBe("2");
    }
    const old = createIdAt(Date.now() - 120_000, random);
    const { status, response } = await reportOutcome(old, { price: 1500 });
    expect(status).toBe(404);
    expect(response.headers.get("retry-after")).toBeNull();
  });

  it("reads every form of ISO 8601, and null as a time that is left out", async () => {
    for (const [soldAt, stored] of [
      ["2026-11-20T22:00+0100", "2026-11-20T21:00:00.000Z"],
      ["2026-11-20 22:00", "2026-11-20T22:00:00.000Z"],
      ["20261120", "2026-11-20"],
      [null, null],
    ])
      expect((await reportOutcome(single.id, { price: 1500, soldAt, index: null })).body).toMatchObject({
        soldAt: stored,
        index: 0,
      });
  });

  it("accepts the outcome from the key that asked for the price, or from an administrator", async () => {
    const [shop, rival] = await Promise.all(
      ["shop", "rival"].map(async (name) =>
        createAuthorizationHeader(await createKey(name, ["predict", "appraise"])),
      ),
    );
    const send = (path: string, body: object, keyHeader: HeadersInit = {}, bindings = ENV_WITH_KEYS) =>
      call(
        path,
        {
          method: "POST",
          headers: { ...keyHeader, "content-type": "application/json" },
          body: JSON.stringify(body),
        },
        bindings,
      );
    const { id } = await send("/v1/predictions", STONE, shop);
    const path = `/v1/predictions/${id}/outcome`;
    const unknownId = createIdAt(Date.now(), createRandom(3));
    const unknown = await send(`/v1/predictions/${unknownId}/outcome`, { price: 1500 }, rival);

    const refused = await send(path, { price: 1500 }, rival);
    expect(refused.status).toBe(404);
    // The answer is the same as for an id that does not exist.
    const hideIds = (answer: typeof refused) =>
      answer.text.replaceAll(unknownId, "ID").replaceAll(id, "ID").replaceAll(answer.id, "REQUEST");
    expect(hideIds(refused)).toBe(hideIds(unknown));
    expect(refused.response.headers.get("retry-after")).toBe(unknown.response.headers.get("retry-after"));
    expect(refused.text).toContain(`no prediction ${id} of the key rival`);
    // An open server does not know who asks.
    expect((await send(path, { price: 1500 }, {}, env)).status).toBe(404);

    expect((await send(path, { price: 1500 }, shop)).status).toBe(201);
    expect((await send(path, { price: 1500 }, { ...headers })).status).toBe(403);
    const manager = createAuthorizationHeader(await createKey("manager", ["appraise", "admin"]));
    expect((await send(path, { price: 1400 }, manager)).status).toBe(201);
  });

  it("requires an index for a batch", async () => {
    const { status, body } = await post<ProblemDetails>(`/v1/predictions/${batch.id}/outcome`, {
      price: 1000,
    });
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ path: "index", message: expect.stringContaining("1000 stones") }]);
  });

  it.each([
    ["an unknown id", () => createIdAt(0, createRandom(1)), {}],
    ["an invalid id", () => "champion", {}],
    ["an index beyond the end of a batch", () => batch.id, { index: 1000 }],
    ["an index beyond a single prediction", () => single.id, { index: 1 }],
  ])("answers 404 for %s", async (_, id, more) => {
    const { status, body } = await post<ProblemDetails>(`/v1/predictions/${id()}/outcome`, {
      price: 1,
      ...more,
    });
    expect(status).toBe(404);
    expect(body.detail).toContain(id());
  });

  it("answers 404 for the id of a request that is not a successful prediction", async () => {
    const health = await get("/health");
    const ready = await get("/ready");
    const refused = await post("/v1/predictions", { ...STONE, cut: "Ruby" });
    const outcome = await reportOutcome(single.id, { price: 1400 });
    for (const { id } of [health, ready, refused, outcome])
      expect((await reportOutcome(id, { price: 1000 })).status).toBe(404);
  });

  it.each([
    [{}, "price", "price is required"],
    [{ price: 0 }, "price", "price must be a number of US dollars from 0.01 to 1,000,000,000; it is 0"],
    [
      { price: "1000" },
      "price",
      'price must be a number of US dollars from 0.01 to 1,000,000,000; it is the text "1000": send 1000 without quotes',
    ],
    [
      { price: 1e10 },
      "price",
      "price must be a number of US dollars from 0.01 to 1,000,000,000; it is 10000000000",
    ],
    [{ price: 1000, soldAt: "yesterday" }, "soldAt", expect.stringContaining('it is the text "yesterday"')],
    [{ price: 1000, soldAt: "2999-01-01" }, "soldAt", expect.stringContaining("not in the future")],
    [{ price: 1000, index: -1 }, "index", expect.stringContaining("a whole number from 0")],
    [{ price: 1000, index: 0.5 }, "index", expect.stringContaining("a whole number from 0")],
    [
      { price: 1000, seller: "me" },
      "seller",
      expect.stringContaining("the known fields are price, soldAt, index"),
    ],
  ])("rejects the outcome %j", async (outcome, path, message) => {
    const { status, body } = await post<ProblemDetails>(`/v1/predictions/${single.id}/outcome`, outcome);
    expect(status).toBe(422);
    expect(body.errors).toEqual([{ path, message }]);
  });
});
