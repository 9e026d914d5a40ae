/** A challenger in the shadow of the champion, and a canary beside it. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import type { ModelReference } from "../../../src/domain/model-record.ts";
import worker from "../../../src/index.ts";
import { isInPercentage } from "../../../src/lib/percentage.ts";
import { call, get, HOST, logged, post, STONE } from "../support/call.ts";
import { wrap } from "../support/faults.ts";
import { bearer, CLOSED, makeKey } from "../support/keys.ts";
import { decode, publish, warmUp } from "../support/registry.ts";

type Answered = { price: number; model: ModelReference; warnings: string[] };

const STEEP = { model: { name: "steep", version: 1 }, price: 1521 };
const SHALLOW = { model: { name: "shallow", version: 1 }, price: 971 };

let admin: Record<string, string>;

async function put(alias: string, body: object): Promise<void> {
  const { status } = await call(`/v1/aliases/${alias}`, {
    method: "PUT",
    headers: { ...admin, "content-type": "application/json" },
    body: JSON.stringify({ reason: "test", ...body }),
  });
  expect([200, 201]).toContain(status);
}

async function ask(headers: Record<string, string> = {}, bindings: Env = env, query = "") {
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
  return { ...answer, body: JSON.parse(answer.text) as Answered };
}

const shadowOf = (record: RequestRecord | undefined) => [
  record?.shadowModel,
  record?.shadowVersion,
  record?.shadowPrice,
];

beforeAll(async () => {
  admin = bearer(await makeKey("marta", ["admin"]));
  await publish({ name: "steep", version: 1, file: "steep" });
  await publish({ name: "shallow", version: 1, file: "shallow", dataset: 2 });
  await publish({ name: "cliff", version: 1, file: "cliff" });
  await publish({ name: "slow", version: 1, file: decode(inject("slopes")[0] ?? "") });
  await warmUp();
});

describe("a challenger", () => {
  beforeAll(() => put("champion", { model: "steep@1" }));

  it("prices what the champion prices, unseen by the caller, and the log has both", async () => {
    await put("challenger", { model: "shallow@1", share: 100 });
    const { body, id } = await ask();
    expect(body).toMatchObject({ ...STEEP, warnings: [] });
    expect(await logged(id)).toMatchObject({
      model: "steep",
      modelVersion: 1,
      price: 1521,
      shadowModel: "shallow",
      shadowVersion: 1,
      shadowPrice: 971,
      responseBody: JSON.stringify(body),
    });
  });

  it("prices its share of them", async () => {
    await put("challenger", { model: "shallow@1", share: 30 });
    const records = await Promise.all(Array.from({ length: 300 }, async () => logged((await ask()).id)));
    const shadowed = records.filter((record) => record?.shadowPrice === SHALLOW.price).length;
    // 30 % of 300, five standard deviations to either side.
    expect(Math.abs(shadowed - 90)).toBeLessThan(40);
    expect(records.filter((record) => record?.shadowModel == null)).toHaveLength(300 - shadowed);
  });

  it("prices no batch, nothing that was asked of a model by name, nothing refused", async () => {
    await put("challenger", { model: "shallow@1", share: 100 });
    const batch = await post("/v1/predictions/batch", { diamonds: [STONE] });
    const named = await ask({}, env, "?model=steep");
    const refused = await post("/v1/predictions", { ...STONE, cut: "Ruby" });
    for (const { id } of [batch, named, refused])
      expect(shadowOf(await logged(id))).toEqual([null, null, null]);
  });

  it("that is the champion itself, has no share, or is gone, prices nothing", async () => {
    for (const body of [
      { model: "steep@1", share: 100 },
      { model: "shallow@1" },
      { model: "shallow@1", share: 0 },
    ]) {
      await put("challenger", body);
      expect(shadowOf(await logged((await ask()).id))).toEqual([null, null, null]);
    }
    const headers = { ...admin, "content-type": "application/json" };
    await put("challenger", { model: "shallow@1", share: 100 });
    await call("/v1/aliases/challenger", { method: "DELETE", headers, body: '{"reason":"enough"}' });
    expect(shadowOf(await logged((await ask()).id))).toEqual([null, null, null]);
  });

  it("without a price is named without one", async () => {
    await put("challenger", { model: "cliff@1", share: 100 });
    const answer = await post<Answered>("/v1/predictions", { ...STONE, carat: 3 });
    expect(answer.status).toBe(200);
    expect(shadowOf(await logged(answer.id))).toEqual(["cliff", 1, null]);
  });

  it("whose file does not come delays neither the answer nor, for long, the log", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    // Pointed at behind the API's back, which would have read the file.
    await env.DB.prepare(
      "UPDATE aliases SET name = 'slow', version = 1, share = 100 WHERE alias = 'challenger'",
    ).run();
    await put("champion", { model: "steep@1" });
    const MODELS = wrap(env.MODELS, { get: () => new Promise(() => {}) });
    const context = createExecutionContext();
    const request = new Request(`${HOST}/v1/predictions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(STONE),
    });
    const start = performance.now();
    const response = await worker.fetch(request, { ...env, MODELS }, context);
    expect(await response.json()).toMatchObject(STEEP);
    expect(performance.now() - start).toBeLessThan(1500);
    const id = response.headers.get("x-request-id") ?? "";
    await vi.waitFor(async () => expect(await logged(id)).toBeDefined(), { timeout: 30_000, interval: 100 });
    expect(performance.now() - start).toBeGreaterThan(1900);
    expect(shadowOf(await logged(id))).toEqual(["slow", 1, null]);
    void waitOnExecutionContext(context).catch(() => {});
  });
});

describe("a canary", () => {
  const key = (i: number) => ({ "x-facet-key": `customer-${i}` });
  const names = (share: number) =>
    Promise.all(Array.from({ length: 200 }, async (_, i) => (await ask(key(i))).body.model.name)).then(
      (all) => {
        // 200 keys, five standard deviations to either side.
        const canaries = all.filter((name) => name === "shallow").length;
        expect(Math.abs(canaries - 2 * share)).toBeLessThan(35);
        return all;
      },
    );

  beforeEach(() => put("champion", { model: "steep@1", canary: "shallow@1", share: 20 }));

  it("answers its share of the callers, always the same ones, and says so", async () => {
    const first = await names(20);
    expect(await names(20)).toEqual(first);
    await put("champion", { model: "steep@1", canary: "shallow@1", share: 60 });
    const more = await names(60);
    first.forEach((name, i) => {
      if (name === "shallow") expect(more[i]).toBe("shallow");
    });
    await put("champion", { model: "steep@1" });
    expect(
      new Set((await Promise.all([1, 2, 3].map((i) => ask(key(i))))).map(({ body }) => body.model.name)),
    ).toEqual(new Set(["steep"]));
  });

  it("has its own price, its own comparable stones, and its name in the log", async () => {
    for (let i = 0; i < 20; i++) {
      const { body, id } = await ask(key(i));
      const expected = body.model.name === "steep" ? STEEP : SHALLOW;
      expect(body).toMatchObject({ ...expected, warnings: [] });
      expect(await logged(id)).toMatchObject({ model: body.model.name, price: body.price });
      const headers = key(i);
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

  it("tells callers apart by their key's name, or their address, which no log keeps", async () => {
    const expected = (caller: string) => (isInPercentage(`shallow@1 ${caller}`, 20) ? "shallow" : "steep");
    for (let i = 0; i < 10; i++) {
      const shop = bearer(await makeKey(`shop-${i}`, ["predict"]));
      const address = { "cf-connecting-ip": `203.0.113.${i}` };
      expect((await ask({ ...shop, ...address }, CLOSED)).body.model.name).toBe(expected(`shop-${i}`));
      const { body, id } = await ask(address);
      expect(body.model.name).toBe(expected(`203.0.113.${i}`));
      expect(JSON.stringify(await logged(id))).not.toContain("203.0.113");
      expect((await ask({ ...address, ...key(i) })).body.model.name).toBe(expected(`customer-${i}`));
    }
  });

  it("does not change who is asked by name, nor whether the champion is ready", async () => {
    await put("champion", { model: "steep@1", canary: "shallow@1", share: 100 });
    expect((await ask({}, env, "?model=steep")).body.model.name).toBe("steep");
    expect((await ask()).body.model.name).toBe("shallow");
    expect((await get<Answered>("/ready")).body.model).toEqual(STEEP.model);
  });

  it("that cannot be loaded leaves the answer to the champion", async () => {
    await publish({ name: "absent", version: 1 });
    for (const [name, version] of [
      ["absent", 1],
      ["nobody", 7],
    ] as const) {
      await env.DB.prepare(
        "UPDATE aliases SET canary_name = ?1, canary_version = ?2, share = 100 WHERE alias = 'champion'",
      )
        .bind(name, version)
        .run();
      await put("spare", { model: "steep@1" });
      const { body, id } = await ask();
      expect(body).toMatchObject({ ...STEEP, warnings: [] });
      expect((await logged(id))?.problem).toContain(`${name}@${version}`);
    }
  });
});

describe("isInShare", () => {
  it("takes about its share, of keys that differ little, and never more for less", () => {
    for (const percent of [0, 1, 10, 50, 99, 100]) {
      const inside = Array.from({ length: 20_000 }, (_, i) => `champion ${i}`).filter((key) =>
        isInPercentage(key, percent),
      );
      expect(Math.abs(inside.length - 200 * percent)).toBeLessThan(360);
      expect(inside.every((key) => isInPercentage(key, Math.min(100, percent + 1)))).toBe(true);
    }
    expect(isInPercentage("anybody", 0)).toBe(false);
    expect(isInPercentage("anybody", 100)).toBe(true);
  });
});
