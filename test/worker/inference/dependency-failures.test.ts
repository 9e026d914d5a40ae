/**
 * What the caller gets and what the log says when a part fails that other tests do not let fail: the
 * table in docs/operations.md names them all.
 */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, inject, it, vi } from "vitest";
import worker from "../../../src/index.ts";
import { archiveOldDays } from "../../../src/request-log/archive/archive.ts";
import { call, get, HOST, logged, post, type Refusal, STONE } from "../support/call.ts";
import { faultyDatabase, lost, wrap } from "../support/faults.ts";
import { bearer, CLOSED, makeKey, revoke } from "../support/keys.ts";
import { generator, insert, row } from "../support/log-rows.ts";
import { decode, point, publish, warmUp } from "../support/registry.ts";

type Priced = Refusal & { price: number; model: { name: string; version: number } };

const price = (selector: string, bindings?: Env) =>
  post<Priced>(`/v1/predictions?model=${selector}`, STONE, bindings);
const slope = (i: number) => decode(inject("slopes")[i] ?? "");
const SIMILAR = "/v1/diamonds/similar?carat=1&cut=Ideal&color=H&clarity=SI2&model=steady";

const down = {
  ...env,
  DB: faultyDatabase(env.DB, async () => {
    throw lost();
  }),
};

/** Sets the clock that many seconds ahead of, or behind, what it was. */
function jump(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

async function expectUnavailable(answer: Awaited<ReturnType<typeof price>>, problem: RegExp) {
  expect(answer.status).toBe(503);
  expect(answer.body.type).toBe("urn:facet:problem:unavailable");
  expect(answer.response.headers.get("retry-after")).toBe("5");
  expect(answer.text).not.toMatch(/D1|R2|SQLITE|Error/);
  expect((await logged(answer.id))?.problem).toMatch(problem);
}

beforeAll(async () => {
  await publish({ name: "good", version: 1, file: "steep" });
  await warmUp();
  await point("steady", { name: "good", version: 1 });
  await price("steady");
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the registry is down", () => {
  it("what the isolate knows goes on pricing, whole batches too", async () => {
    jump(60);
    expect((await price("steady", down)).body.price).toBe(1521);
    const batch = await post<{ predictions: unknown[] }>(
      "/v1/predictions/batch?model=steady",
      { diamonds: [STONE, STONE] },
      down,
    );
    expect(batch.body.predictions).toHaveLength(2);
    expect((await logged(batch.id))?.status).toBe(200);
  });

  it("what it does not know is a 503, as is what only the registry can answer", async () => {
    await expectUnavailable(await price("unheard-of", down), /Network connection lost/);
    const similar = await get<Priced>(SIMILAR, down);
    await expectUnavailable(similar, /Network connection lost/);
    const headers = {
      ...bearer(await makeKey("admin", ["admin", "appraise"])),
      "content-type": "application/json",
    };
    await call("/v1/aliases/steady", { headers }, CLOSED);
    const body = JSON.stringify({ model: "good@1", reason: "a test" });
    const closed = { ...CLOSED, DB: down.DB };
    for (const [method, path, text] of [
      ["PUT", "/v1/aliases/steady", body],
      ["POST", "/v1/diamonds", JSON.stringify({ diamonds: [{ ...STONE, price: 1500 }] })],
    ] as const) {
      const answer = await call(path, { method, headers, body: text }, closed);
      expect(answer.status, path).toBe(503);
      expect(answer.response.headers.get("retry-after")).toBe("5");
    }
  });
});

describe("the registry is slow", () => {
  const slow = (ms: number) => ({
    ...CLOSED,
    DB: faultyDatabase(env.DB, () => scheduler.wait(ms)),
  });

  it("and never answers: what the isolate does not know is a 503 after ten seconds", async () => {
    const silent = { ...env, DB: faultyDatabase(env.DB, () => new Promise(() => {})) };
    const answer = await unsettled("silent", silent);
    expect(answer).toMatchObject({ status: 503, retry: "5" });
    expect(answer.text).toContain("A database cannot be reached");
  });

  it("by 2.5 s: a revoked key and a moved alias are noticed all the same", async () => {
    const key = bearer(await makeKey("slow-shop", ["predict"]));
    await publish({ name: "mover", version: 1, file: slope(6) });
    await point("moving", { name: "good", version: 1 });
    const ask = async (bindings: Env) => {
      const headers = { ...key, "content-type": "application/json" };
      const init = { method: "POST", headers, body: JSON.stringify(STONE) };
      const answer = await call("/v1/predictions?model=moving", init, bindings);
      return answer.status === 200 ? (JSON.parse(answer.text) as Priced).model.name : answer.status;
    };
    expect(await ask(CLOSED)).toBe("good");
    await point("moving", { name: "mover", version: 1 });
    jump(11);
    const seen: (string | number)[] = [];
    const steadily = async (until: string | number) => {
      for (const end = performance.now() + 9_000; performance.now() < end && seen.at(-1) !== until; )
        seen.push(await ask(slow(2_500)));
    };
    await steadily("mover");
    expect(seen[0]).toBe("good");
    expect(seen.at(-1)).toBe("mover");
    await revoke("slow-shop");
    jump(11);
    await steadily(401);
    expect(seen.at(-1)).toBe(401);
  });
});

describe("the bucket", () => {
  it("that is slow makes the first caller wait, and nobody after", async () => {
    await publish({ name: "slow", version: 1, file: slope(0) });
    const load = vi.fn(async (key: string) => {
      await scheduler.wait(2000);
      return env.MODELS.get(key);
    });
    const bindings = { ...env, MODELS: wrap(env.MODELS, { get: load as R2Bucket["get"] }) };
    expect((await price("slow", bindings)).body.price).toBe(110 + 421);
    expect((await price("slow", bindings)).status).toBe(200);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it("that never answers is a 503 after 15 seconds, and an alias falls back", async () => {
    const file = slope(1);
    const key = await publish({ name: "stuck", version: 1, file });
    await point("hanging", { name: "good", version: 1 });
    await point("hanging", { name: "stuck", version: 1 });
    const never = (wanted: string) => (wanted === key ? new Promise(() => {}) : env.MODELS.get(wanted));
    const bindings = { ...env, MODELS: wrap(env.MODELS, { get: never as R2Bucket["get"] }) };
    const [answer, standIn] = await Promise.all([
      unsettled("stuck@1", bindings),
      unsettled("hanging", bindings),
    ]);
    expect(answer).toMatchObject({ status: 503, retry: "5" });
    expect(standIn).toMatchObject({ status: 200 });
    expect(standIn.text).toContain("good@1, the hanging before it, answered");
    // Whoever comes next is not made to wait for it again.
    for (let later = 0; later <= 6; later += 6) {
      jump(later);
      const start = performance.now();
      expect(await unsettled("hanging", bindings)).toMatchObject({ status: 200 });
      expect(performance.now() - start).toBeLessThan(3_000);
    }
  });

  it("that fails for a moment is asked once more, and soon again", async () => {
    const [once, twice] = [slope(7), slope(8)];
    const keys = [
      await publish({ name: "once", version: 1, file: once }),
      await publish({ name: "twice", version: 1, file: twice }),
    ];
    const left = new Map(keys.map((key, i) => [key, i + 1]));
    const get = async (key: string) => {
      const faults = left.get(key) ?? 0;
      if (faults === 0) return env.MODELS.get(key);
      left.set(key, faults - 1);
      throw new Error("We encountered an internal error. Please try again. (10001)");
    };
    const bindings = { ...env, MODELS: wrap(env.MODELS, { get: get as R2Bucket["get"] }) };
    expect((await price("once", bindings)).status).toBe(200);
    await expectUnavailable(await price("twice", bindings), /twice@1 cannot be used: .*internal error/);
    await scheduler.wait(1_100);
    expect((await price("twice", bindings)).status).toBe(200);
  });

  it("that breaks off in the middle of a file is a 503", async () => {
    await publish({ name: "torn", version: 1, file: slope(2) });
    const get = async (key: string) => {
      const object = await env.MODELS.get(key);
      return object && wrap(object, { arrayBuffer: () => Promise.reject(new Error("the stream broke off")) });
    };
    const bindings = { ...env, MODELS: wrap(env.MODELS, { get: get as R2Bucket["get"] }) };
    await expectUnavailable(await price("torn", bindings), /torn@1 cannot be used: the stream broke off/);
  });
});

describe("the log's database is down", () => {
  const logless = {
    ...env,
    LOG_DB: faultyDatabase(env.LOG_DB, async () => {
      throw lost();
    }),
  };

  it("prices go on, and their records wait in the bucket", async () => {
    const { status, id } = await price("steady", logless);
    expect(status).toBe(200);
    expect(await env.MODELS.head(`log-dead-letters/${id}.json`)).not.toBeNull();
  });

  it("or has no tables: what reads the log is a 503 that says nothing of models", async () => {
    const bare = {
      ...env,
      LOG_DB: faultyDatabase(env.LOG_DB, async () => {
        throw new Error("D1_ERROR: no such table: requests: SQLITE_ERROR");
      }),
    };
    const headers = bearer(await makeKey("reader of none", ["admin"]));
    const answer = await call("/v1/requests", { headers }, bare);
    expect(answer.status).toBe(503);
    expect(answer.text).toContain("A database cannot be reached");
  });

  it("what reads the log is a 503", async () => {
    const key = bearer(await makeKey("reader", ["admin", "appraise"]));
    const outcome = {
      method: "POST",
      headers: { ...key, "content-type": "application/json" },
      body: '{"price":1}',
    };
    for (const [path, init] of [
      ["/v1/requests", { headers: key }],
      ["/v1/requests/01a20ba8-dd34-75e4-a98d-248b0cf67d12", { headers: key }],
      ["/v1/monitoring", { headers: key }],
      ["/v1/predictions/01a20ba8-dd34-75e4-a98d-248b0cf67d12/outcome", outcome],
    ] as const) {
      const answer = await call(path, init, logless);
      expect(answer.status, path).toBe(503);
      expect(answer.response.headers.get("retry-after")).toBe("5");
      expect(answer.text).not.toMatch(/D1|SQLITE/);
    }
  });
});

describe("the bucket is down", () => {
  const fails = () => Promise.reject(new Error("R2 is down"));
  const MODELS = wrap(env.MODELS, { get: fails, head: fails, list: fails, delete: fails });
  const random = generator(31);
  const headers = { "content-type": "application/json" };

  beforeAll(async () => {
    Object.assign(headers, bearer(await makeKey("auditor", ["admin", "appraise"])));
  });

  const ask = (method: string, path: string, bindings?: Env) =>
    call(path, { method, headers, ...(method === "POST" && { body: '{"price":1,"index":0}' }) }, bindings);

  it("what the log keeps in it is a 503, and is there again afterwards", async () => {
    const batch = JSON.stringify({ diamonds: Array.from({ length: 1000 }, () => STONE) }, null, 10);
    const { id } = await post<Refusal>("/v1/predictions/batch?model=steady", batch);
    const archived = row(Date.now() - 120 * 86_400_000, random);
    await insert([archived]);
    await archiveOldDays(env);
    for (const [method, path] of [
      ["GET", `/v1/requests/${id}`],
      ["POST", `/v1/predictions/${id}/outcome`],
      ["DELETE", `/v1/requests/${id}`],
      ["GET", `/v1/requests/${archived.id}`],
      ["POST", `/v1/predictions/${archived.id}/outcome`],
      ["DELETE", `/v1/requests/${archived.id}`],
    ] as const) {
      const answer = await ask(method, path, { ...env, MODELS });
      expect(answer.status, path).toBe(503);
      expect(answer.response.headers.get("retry-after")).toBe("5");
      expect(answer.text).not.toContain("R2");
      expect((await logged(answer.id))?.problem).toContain("R2 is down");
    }
    expect((await ask("GET", `/v1/requests/${archived.id}`)).status).toBe(200);
    expect((await ask("POST", `/v1/predictions/${id}/outcome`)).status).toBe(201);
    for (const one of [id, archived.id])
      expect((await ask("DELETE", `/v1/requests/${one}`)).status).toBe(200);
  });
});

describe("a clock that jumps", () => {
  const YEAR = 365 * 86_400;

  it.each([YEAR, -YEAR])("by %i s: prices go on, and a moved alias arrives", async (seconds) => {
    const alias = `at-${seconds > 0 ? "later" : "earlier"}`;
    await publish({ name: alias.slice(3), version: 1, file: slope(seconds > 0 ? 3 : 4) });
    await point(alias, { name: "good", version: 1 });
    expect((await price(alias)).body.model.name).toBe("good");
    jump(seconds);
    await point(alias, { name: alias.slice(3), version: 1 });
    const { status, body } = await price(alias);
    expect(status).toBe(200);
    expect(body.model.name).toBe(alias.slice(3));
  });

  it.each([YEAR, -YEAR])(
    "by %i s: the log has the request, at the time that it was told",
    async (seconds) => {
      jump(seconds);
      const at = Date.now();
      const { id } = await price("steady");
      const record = await logged(id);
      expect(Math.abs((record?.at ?? 0) - at)).toBeLessThan(60_000);
      expect(record?.durationMs).toBeGreaterThanOrEqual(0);
    },
  );

  it("by a year back: a revoked key is noticed at once, and one that is valid goes on", async () => {
    const [kept, leaked] = [await makeKey("kept", ["predict"]), await makeKey("leaked", ["predict"])];
    const ask = (key: string) => call("/v1/models", { headers: bearer(key) }, CLOSED);
    expect([(await ask(kept)).status, (await ask(leaked)).status]).toEqual([200, 200]);
    jump(-YEAR);
    await revoke("leaked");
    expect([(await ask(kept)).status, (await ask(leaked)).status]).toEqual([200, 401]);
  });

  it("by a year back: a file that was broken is tried again", async () => {
    const file = slope(5);
    const key = await publish({ name: "mended", version: 1, file });
    await env.MODELS.delete(key);
    expect((await price("mended")).status).toBe(503);
    await env.MODELS.put(key, file);
    jump(-YEAR);
    expect((await price("mended")).status).toBe(200);
  });
});

/** An answer without waiting for what goes on behind it, which here never ends. */
async function unsettled(selector: string, bindings: Env) {
  const request = new Request(`${HOST}/v1/predictions?model=${selector}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(STONE),
  });
  const response = await worker.fetch(request, bindings, createExecutionContext());
  const { status, headers } = response;
  return { status, text: await response.text(), retry: headers.get("retry-after") };
}
