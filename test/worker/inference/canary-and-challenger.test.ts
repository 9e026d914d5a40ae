/** Shadow predictions by a challenger, and a canary for a percentage of callers. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import type { ModelReference } from "../../../src/domain/models/model-reference.ts";
import type { Warning } from "../../../src/domain/prediction/warning.ts";
import { isInPercentage } from "../../../src/lib/percentage.ts";
import worker from "../../../src/worker.ts";
import { call, get, ORIGIN, post, readLogRecord, STONE } from "../support/call.ts";
import { overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";
import { publishModel, readLinearModel, warmUpRuntime } from "../support/registry.ts";

type PredictionBody = { price: number; model: ModelReference; warnings: Warning[] };

const STEEP_ANSWER = { model: { name: "steep", version: 1 }, price: 1521 };
const SHALLOW_ANSWER = { model: { name: "shallow", version: 1 }, price: 971 };

let adminHeaders: Record<string, string>;

async function moveAlias(alias: string, body: object): Promise<void> {
  const { status } = await call(`/v1/aliases/${alias}`, {
    method: "PUT",
    headers: { ...adminHeaders, "content-type": "application/json" },
    body: JSON.stringify({ reason: "test", ...body }),
  });
  expect([200, 201]).toContain(status);
}

async function predict(headers: Record<string, string> = {}, bindings: Env = env, query = "") {
  const answer = await call(
    `/v1/predictions${query}`,
    {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(STONE),
    },
    bindings,
  );
  expect(answer.status).toBe(200);
  return { ...answer, body: JSON.parse(answer.text) as PredictionBody };
}

const readShadow = (record: RequestRecord | undefined) => [
  record?.shadowModel,
  record?.shadowVersion,
  record?.shadowPrice,
];

beforeAll(async () => {
  adminHeaders = createAuthorizationHeader(await createKey("marta", ["admin"]));
  await publishModel({ name: "steep", version: 1, file: "steep" });
  await publishModel({ name: "shallow", version: 1, file: "shallow", dataset: 2 });
  await publishModel({ name: "no-price", version: 1, file: "nanPrice" });
  await publishModel({ name: "slow", version: 1, file: readLinearModel(0) });
  await warmUpRuntime();
});

describe("a challenger", () => {
  beforeAll(() => moveAlias("champion", { model: "steep@1" }));

  it("prices the same stone without the caller seeing it, and both prices are logged", async () => {
    await moveAlias("challenger", { model: "shallow@1", share: 100 });
    const { body, id } = await predict();
    expect(body).toMatchObject({ ...STEEP_ANSWER, warnings: [] });
    expect(await readLogRecord(id)).toMatchObject({
      model: "steep",
      modelVersion: 1,
      price: 1521,
      shadowModel: "shallow",
      shadowVersion: 1,
      shadowPrice: 971,
      responseBody: JSON.stringify(body),
    });
  });

  it("prices its percentage of the predictions", async () => {
    await moveAlias("challenger", { model: "shallow@1", share: 30 });
    const records = await Promise.all(
      Array.from({ length: 300 }, async () => readLogRecord((await predict()).id)),
    );
    const shadowed = records.filter((record) => record?.shadowPrice === SHALLOW_ANSWER.price).length;
    // 30 % of 300 are 90. Five standard deviations are 40.
    expect(Math.abs(shadowed - 90)).toBeLessThan(40);
    expect(records.filter((record) => record?.shadowModel == null)).toHaveLength(300 - shadowed);
  });

  it("prices no batch, no request for a named model and no refused request", async () => {
    await moveAlias("challenger", { model: "shallow@1", share: 100 });
    const batch = await post("/v1/predictions/batch", { diamonds: [STONE] });
    const named = await predict({}, env, "?model=steep");
    const refused = await post("/v1/predictions", { ...STONE, cut: "Ruby" });
    for (const { id } of [batch, named, refused])
      expect(readShadow(await readLogRecord(id))).toEqual([null, null, null]);
  });

  it("prices nothing if it is the champion, has no share, or was removed", async () => {
    for (const body of [
      { model: "steep@1", share: 100 },
      { model: "shallow@1" },
      { model: "shallow@1", share: 0 },
    ]) {
      await moveAlias("challenger", body);
      expect(readShadow(await readLogRecord((await predict()).id))).toEqual([null, null, null]);
    }
    const headers = { ...adminHeaders, "content-type": "application/json" };
    await moveAlias("challenger", { model: "shallow@1", share: 100 });
    await call("/v1/aliases/challenger?reason=test", { method: "DELETE", headers });
    expect(readShadow(await readLogRecord((await predict()).id))).toEqual([null, null, null]);
  });

  it("that gives no price is logged with its name and without a price", async () => {
    await moveAlias("challenger", { model: "no-price@1", share: 100 });
    const answer = await post<PredictionBody>("/v1/predictions", { ...STONE, carat: 3 });
    expect(answer.status).toBe(200);
    expect(readShadow(await readLogRecord(answer.id))).toEqual(["no-price", 1, null]);
  });

  it("whose file cannot be read in time delays the log by two seconds, and does not delay the response", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    // The API would read the file, so the alias is moved in the database.
    await env.DB.prepare(
      "UPDATE aliases SET name = 'slow', version = 1, share = 100 WHERE alias = 'challenger'",
    ).run();
    await moveAlias("champion", { model: "steep@1" });
    const MODELS = overrideMethods(env.MODELS, { get: () => new Promise(() => {}) });
    const context = createExecutionContext();
    const request = new Request(`${ORIGIN}/v1/predictions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(STONE),
    });
    const startedAt = performance.now();
    const response = await worker.fetch(request, { ...env, MODELS }, context);
    expect(await response.json()).toMatchObject(STEEP_ANSWER);
    expect(performance.now() - startedAt).toBeLessThan(1500);
    const id = response.headers.get("x-request-id") ?? "";
    await vi.waitFor(async () => expect(await readLogRecord(id)).toBeDefined(), {
      timeout: 30_000,
      interval: 100,
    });
    expect(performance.now() - startedAt).toBeGreaterThan(1900);
    expect(readShadow(await readLogRecord(id))).toEqual(["slow", 1, null]);
    void waitOnExecutionContext(context).catch(() => {});
  });
});

describe("a canary", () => {
  const createRoutingKey = (i: number) => ({ "x-facet-key": `customer-${i}` });
  const predictByManyCallers = (share: number) =>
    Promise.all(
      Array.from({ length: 200 }, async (_, i) => (await predict(createRoutingKey(i))).body.model.name),
    ).then((all) => {
      // A percentage of 200 callers is twice its number. Five standard deviations are at most 35.
      const canaries = all.filter((name) => name === "shallow").length;
      expect(Math.abs(canaries - 2 * share)).toBeLessThan(35);
      return all;
    });

  beforeEach(() => moveAlias("champion", { model: "steep@1", canary: "shallow@1", share: 20 }));

  it("answers its percentage of callers, always the same ones", async () => {
    const models = await predictByManyCallers(20);
    expect(await predictByManyCallers(20)).toEqual(models);
    await moveAlias("champion", { model: "steep@1", canary: "shallow@1", share: 60 });
    const modelsAt60 = await predictByManyCallers(60);
    models.forEach((name, i) => {
      if (name === "shallow") expect(modelsAt60[i]).toBe("shallow");
    });
    await moveAlias("champion", { model: "steep@1" });
    expect(
      new Set(
        (await Promise.all([1, 2, 3].map((i) => predict(createRoutingKey(i))))).map(
          ({ body }) => body.model.name,
        ),
      ),
    ).toEqual(new Set(["steep"]));
  });

  it("gives its own price and similar stones, and its name is in the log", async () => {
    for (let i = 0; i < 20; i++) {
      const { body, id } = await predict(createRoutingKey(i));
      const expected = body.model.name === "steep" ? STEEP_ANSWER : SHALLOW_ANSWER;
      expect(body).toMatchObject({ ...expected, warnings: [] });
      expect(await readLogRecord(id)).toMatchObject({ model: body.model.name, price: body.price });
      const headers = createRoutingKey(i);
      const similar = await call("/v1/diamonds/similar?carat=1&cut=Ideal&color=H&clarity=SI2", { headers });
      expect(JSON.parse(similar.text).model).toEqual(body.model);
      const batch = await call("/v1/predictions/batch", {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ diamonds: [STONE] }),
      });
      expect(JSON.parse(batch.text).model).toEqual(body.model);
    }
  });

  it("identifies callers by the name of their key or by their address, which is not logged", async () => {
    const getExpectedModel = (caller: string) =>
      isInPercentage(`shallow@1 ${caller}`, 20) ? "shallow" : "steep";
    for (let i = 0; i < 10; i++) {
      const shop = createAuthorizationHeader(await createKey(`shop-${i}`, ["predict"]));
      const address = { "cf-connecting-ip": `203.0.113.${i}` };
      expect((await predict({ ...shop, ...address }, ENV_WITH_KEYS)).body.model.name).toBe(
        getExpectedModel(`shop-${i}`),
      );
      const { body, id } = await predict(address);
      expect(body.model.name).toBe(getExpectedModel(`203.0.113.${i}`));
      expect(JSON.stringify(await readLogRecord(id))).not.toContain("203.0.113");
      expect((await predict({ ...address, ...createRoutingKey(i) })).body.model.name).toBe(
        getExpectedModel(`customer-${i}`),
      );
    }
  });

  it("changes neither a request for a named model nor the readiness check", async () => {
    await moveAlias("champion", { model: "steep@1", canary: "shallow@1", share: 100 });
    expect((await predict({}, env, "?model=steep")).body.model.name).toBe("steep");
    expect((await predict()).body.model.name).toBe("shallow");
    expect((await get<PredictionBody>("/ready")).body.model).toEqual(STEEP_ANSWER.model);
  });

  it("that cannot be loaded is replaced by the champion", async () => {
    await publishModel({ name: "absent", version: 1 });
    for (const [name, version] of [
      ["absent", 1],
      ["unregistered", 7],
    ] as const) {
      await env.DB.prepare(
        "UPDATE aliases SET canary_name = ?1, canary_version = ?2, share = 100 WHERE alias = 'champion'",
      )
        .bind(name, version)
        .run();
      await moveAlias("other", { model: "steep@1" });
      const { body, id } = await predict();
      expect(body).toMatchObject({ ...STEEP_ANSWER, warnings: [] });
      expect((await readLogRecord(id))?.problem).toContain(`${name}@${version}`);
    }
  });
});
