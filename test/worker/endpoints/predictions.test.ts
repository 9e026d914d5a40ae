import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Prediction } from "../../../src/domain/prediction/prediction.ts";
import worker from "../../../src/worker.ts";
import { get, ORIGIN, type ProblemDetails, post, readLogRecord, STONE } from "../support/call.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../support/registry.ts";

type PredictionBody = Prediction & { id: string; model: { name: string; version: number } };

/**
 * The price of the example stone by the model `steep` (test/support/worker-models.ts): cut 4, color 2,
 * clarity 1.
 */
const STEEP_PRICE = 1100 + 400 + 20 + 1;

beforeAll(async () => {
  await publishModel({ name: "steep", version: 1, file: "steep" });
  await publishModel({ name: "shallow", version: 1, file: "shallow" });
  await publishModel({ name: "cliff", version: 1, file: "nanPrice" });
  await warmUpRuntime();
  await pointAlias("champion", { name: "steep", version: 1 });
});

describe("POST /v1/predictions", () => {
  it("prices a stone with the champion", async () => {
    const { status, body, id } = await post<PredictionBody>("/v1/predictions", STONE);
    expect(status).toBe(200);
    expect(body).toEqual({
      id,
      price: STEEP_PRICE,
      currency: "USD",
      model: { name: "steep", version: 1 },
      range: null,
      imputed: [],
      warnings: [],
    });
    expect(await readLogRecord(id)).toMatchObject({
      status: 200,
      route: "/v1/predictions",
      model: "steep",
      modelVersion: 1,
      price: STEEP_PRICE,
      problem: null,
      requestBody: JSON.stringify(STONE),
      responseBody: JSON.stringify(body),
    });
  });

  it("lets the model estimate missing measurements, and lists them in imputed", async () => {
    const { carat, cut, color, clarity } = STONE;
    const { body } = await post<PredictionBody>("/v1/predictions", { carat, cut, color, clarity });
    expect(body.imputed).toEqual(["depth", "table", "x", "y", "z"]);
    expect(body.price).toBe(STEEP_PRICE + 1.25);
    const some = await post<PredictionBody>("/v1/predictions", { ...STONE, depth: undefined, z: undefined });
    expect(some.body).toMatchObject({ imputed: ["depth", "z"], price: STEEP_PRICE + 0.5 });
  });

  it("takes null for a measurement that is left out, as data frames send it", async () => {
    const { body } = await post<PredictionBody>("/v1/predictions", { ...STONE, depth: null, z: null });
    expect(body).toMatchObject({ imputed: ["depth", "z"], price: STEEP_PRICE + 0.5 });
  });

  it("reads grades in any spelling", async () => {
    const spelled = { ...STONE, cut: " ideal", color: "h", clarity: "si-2" };
    expect((await post<PredictionBody>("/v1/predictions", spelled)).body.price).toBe(STEEP_PRICE);
  });

  it("prices its own answers and rows with an index column", async () => {
    const { body } = await post<PredictionBody>("/v1/predictions", STONE);
    const row = { index: 3, ...STONE, ...body, weightDifference: 0.01 };
    const again = await post<PredictionBody>("/v1/predictions", row);
    expect(again.body).toMatchObject({ price: STEEP_PRICE, imputed: [] });
    const batch = await post<{ predictions: Prediction[] }>("/v1/predictions/batch", { diamonds: [row] });
    expect(batch.body.predictions).toMatchObject([{ price: STEEP_PRICE }]);
  });

  it("ignores unknown parameters, but not misspelt ones", async () => {
    for (const query of ["_=123", "utm_source=mail", "__proto__=1", "v=2&callback=x"])
      expect((await post(`/v1/predictions?${query}`, STONE)).status, query).toBe(200);
    const { status, body } = await post<ProblemDetails>("/v1/predictions?modle=shallow", STONE);
    expect(status).toBe(422);
    expect(body.detail).toBe("modle is not a known parameter: did you mean model?");
  });

  it.each([
    ["champion", "steep", STEEP_PRICE],
    ["steep", "steep", STEEP_PRICE],
    ["shallow", "shallow", STEEP_PRICE - 550],
    ["shallow@1", "shallow", STEEP_PRICE - 550],
  ])("uses the requested model for the selector %s", async (selector, name, price) => {
    const { body } = await post<PredictionBody>(`/v1/predictions?model=${selector}`, STONE);
    expect(body).toMatchObject({ price, model: { name, version: 1 } });
  });

  it.each(["nobody", "steep@2"])("answers 404 for the unknown model %s", async (selector) => {
    const { status, body } = await post<ProblemDetails>(`/v1/predictions?model=${selector}`, STONE);
    expect(status).toBe(404);
    expect(body.detail).toContain(selector);
  });

  it("prices a stone with values outside the training range, and warns", async () => {
    const { status, body } = await post<PredictionBody>("/v1/predictions", { ...STONE, carat: 10, z: 0.5 });
    expect(status).toBe(200);
    expect(body.price).toBe(STEEP_PRICE - 1100 + 10_000);
    expect(body.warnings).toEqual([
      {
        code: "outside-training-range",
        message:
          "carat 10 is outside the range that the model was trained on (0.2 to 5.01), 100 % above its upper end: the price is an extrapolation",
        fields: ["carat"],
      },
      {
        code: "outside-training-range",
        message:
          "z 0.5 mm is outside the range that the model was trained on (1 to 32), 50 % below its lower end: the price is an extrapolation",
        fields: ["z"],
      },
    ]);
  });

  it.each([
    [1.9999, 10],
    [2, null],
    [2.1, null],
  ])("answers 422 if the price of the model is 0 or NaN, and only then (%s carats)", async (carat, price) => {
    const { status, body } = await post<PredictionBody & ProblemDetails>("/v1/predictions?model=cliff", {
      ...STONE,
      carat,
    });
    expect(status).toBe(price === null ? 422 : 200);
    if (price === null) expect(body).toMatchObject({ type: "urn:facet:problem:no-price" });
    else expect(body.price).toBeCloseTo(price, 1);
  });
});

describe("POST /v1/predictions/batch", () => {
  it("returns a prediction for each stone, in order", async () => {
    const diamonds = Array.from({ length: 1000 }, (_, i) => ({ ...STONE, carat: 0.5 + i / 1000 }));
    const { status, body, id } = await post<{ id: string; predictions: Prediction[] }>(
      "/v1/predictions/batch",
      { diamonds },
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, model: { name: "steep", version: 1 }, warnings: [] });
    expect(body.predictions.map(({ price }) => price)).toEqual(
      diamonds.map(({ carat }) => Math.round(carat * 100_000 + 42_100) / 100),
    );
    expect(await readLogRecord(id)).toMatchObject({ model: "steep", price: null, status: 200 });
  });

  it("names each stone that cannot be priced", async () => {
    const diamonds = [1, 3, 1.5, 4].map((carat) => ({ ...STONE, carat }));
    const { status, body } = await post<ProblemDetails>("/v1/predictions/batch?model=cliff", { diamonds });
    expect(status).toBe(422);
    expect(body.errors?.map(({ path }) => path)).toEqual(["diamonds.1", "diamonds.3"]);
  });
});

describe("the ONNX runtime", () => {
  it("computes correct prices for 2,000 concurrent predictions in one isolate", async () => {
    const context = createExecutionContext();
    const prices = await Promise.all(
      Array.from({ length: 2000 }, async (_, i) => {
        const request = new Request(`${ORIGIN}/v1/predictions?model=${i % 2 === 0 ? "steep" : "shallow"}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ ...STONE, carat: 1 + (i % 100) / 100 }),
        });
        const response = await worker.fetch(request, env, context);
        return (await response.json<PredictionBody>()).price;
      }),
    );
    await waitOnExecutionContext(context);
    const expected = prices.map((_, i) => {
      const carat = 1 + (i % 100) / 100;
      return Math.round(((i % 2 === 0 ? 1000 : 500) * carat + 421) * 100) / 100;
    });
    expect(prices).toEqual(expected);
    const { status } = await get("/ready");
    expect(status).toBe(200);
  });
});
