import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import type { Scope } from "../../../src/domain/access.ts";
import worker from "../../../src/index.ts";
import { call, HOST, logged, STONE } from "../support/call.ts";
import { faultyDatabase, lost, wrap } from "../support/faults.ts";
import { bearer, CLOSED, makeKey } from "../support/keys.ts";
import { publish } from "../support/registry.ts";

const INVALID: RequestInit = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ ...STONE, cut: "Ruby" }),
};

async function deadLetter(id: string): Promise<RequestRecord | null> {
  const object = await env.MODELS.get(`log-dead-letters/${id}.json`);
  return object === null ? null : object.json<RequestRecord>();
}

/** A log database that fails the first statements. */
function failing(times: number, error: () => Error): Env {
  let calls = 0;
  return {
    ...env,
    LOG_DB: faultyDatabase(env.LOG_DB, async () => {
      if (calls++ < times) throw error();
    }),
  };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a record of the log", () => {
  it("says who asked what, when, from where, and what was answered", async () => {
    const before = Date.now();
    const answer = await call("/v1/predictions?model=nobody", {
      ...INVALID,
      headers: { "content-type": "application/json", "user-agent": "Francesco/1.0" },
      cf: { country: "IT", colo: "MXP" } as unknown as IncomingRequestCfProperties,
    } as RequestInit);
    const record = await logged(answer.id);
    expect(record).toEqual({
      id: answer.id,
      at: expect.any(Number),
      method: "POST",
      path: "/v1/predictions",
      route: "/v1/predictions",
      query: "model=nobody",
      status: 422,
      durationMs: expect.any(Number),
      requestBody: INVALID.body,
      responseBody: answer.text,
      bodies: null,
      model: null,
      modelVersion: null,
      price: null,
      shadowModel: null,
      shadowVersion: null,
      shadowPrice: null,
      caller: null,
      userAgent: "Francesco/1.0",
      country: "IT",
      colo: "MXP",
      problem: null,
    });
    expect(record?.at).toBeGreaterThanOrEqual(before);
    expect(record?.at).toBeLessThanOrEqual(Date.now());
    expect(record?.durationMs).toBeGreaterThanOrEqual(0);
  });

  it("has an id of our own, in order of time, whatever the client sends", async () => {
    const headers = { "x-request-id": "0123-mine" };
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push((await call("/health", { headers })).id);
    expect(new Set(ids).size).toBe(20);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it.each([
    ["GET", "/health", 200, "/health"],
    ["HEAD", "/health", 200, "/health"],
    ["GET", "/health/", 200, "/health"],
    ["GET", "/ready", 503, "/ready"],
    ["GET", "/openapi.json", 200, "/openapi.json"],
    ["GET", "/docs", 200, "/docs"],
    ["GET", "/v1/models", 200, "/v1/models"],
    ["GET", "/v1/models/log-linear", 404, "/v1/models/:name"],
    ["GET", "/v1/models/log-linear/versions/3", 404, "/v1/models/:name/versions/:version"],
    ["GET", "/v1/aliases/champion", 404, "/v1/aliases/:alias"],
    ["PATCH", "/v1/aliases/champion", 405, "/v1/aliases/:alias"],
    ["GET", "/v1/nothing", 404, null],
    ["GET", "/v1/diamonds/similar", 422, "/v1/diamonds/similar"],
    ["DELETE", "/v1/diamonds/similar", 405, "/v1/diamonds/similar"],
  ])("is kept of %s %s (%i)", async (method, path, status, route) => {
    const answer = await call(path, { method });
    expect(answer.status).toBe(status);
    const record = await logged(answer.id);
    expect(record).toMatchObject({ method, path, status, route });
    const same = path === "/openapi.json" || path === "/docs";
    if (method !== "HEAD") expect(record?.responseBody).toBe(same ? null : answer.text);
  });

  it("has no body of answers that are the same for everybody, but of what went wrong there", async () => {
    const report = "models/steep/1.html";
    await env.MODELS.put(report, "<!doctype html>");
    await publish({ name: "steep", version: 1 });
    await env.DB.prepare("UPDATE models SET report = ?1").bind(report).run();
    const card = await call("/v1/models/steep/versions/1/report");
    expect([card.status, card.text]).toEqual([200, "<!doctype html>"]);
    expect((await logged(card.id))?.responseBody).toBeNull();
    const none = await call("/v1/models/steep/versions/2/report");
    expect((await logged(none.id))?.responseBody).toBe(none.text);
  });

  it("holds no secret", async () => {
    const answer = await call("/v1/models", {
      headers: {
        authorization: "Bearer facet_secret",
        cookie: "session=secret",
        "x-api-key": "secret",
        "cf-connecting-ip": "203.0.113.9",
        "x-forwarded-for": "203.0.113.9",
      },
    });
    const record = JSON.stringify(await logged(answer.id));
    expect(record).toContain(answer.id);
    expect(record).not.toMatch(/secret|203\.0\.113/);
  });

  it.each<[string, string, number, { scopes?: Scope[]; tooMany?: number }]>([
    ["POST", "/v1/predictions", 401, {}],
    ["POST", "/v1/diamonds", 403, { scopes: ["predict"] }],
    ["POST", "/v1/nothing", 404, {}],
    ["POST", "/health", 405, {}],
    ["OPTIONS", "/v1/models", 204, {}],
    ["POST", "/v1/predictions", 413, { tooMany: 1 }],
  ])(
    "has the beginning of the body that anybody can send to %s %s (%i)",
    async (method, path, status, how) => {
      const { scopes, tooMany = 0 } = how;
      const headers = scopes ? bearer(await makeKey(crypto.randomUUID(), scopes)) : {};
      // 8,192 bytes end within a character.
      const body = `xx${"é".repeat(524_287)}${"x".repeat(tooMany)}`;
      const answer = await call(path, { method, headers, body }, CLOSED);
      expect(answer.status).toBe(status);
      expect(await logged(answer.id)).toMatchObject({
        requestBody: `xx${"é".repeat(4095)}`,
        bodies: null,
        problem: expect.stringMatching(/^the first 8192 of its body's \d+ bytes are kept$/),
      });
      const { objects } = await env.MODELS.list({ prefix: "log-bodies/" });
      expect(objects.filter(({ key }) => key.includes(answer.id))).toEqual([]);
    },
  );

  it("has the whole body of callers with a key, and short ones of anybody", async () => {
    const headers = bearer(await makeKey(crypto.randomUUID(), ["predict"]));
    const long = await call("/v1/predictions", { method: "POST", headers, body: "x".repeat(9000) }, CLOSED);
    expect(await logged(long.id)).toMatchObject({
      status: 415,
      requestBody: "x".repeat(9000),
      problem: null,
    });
    const short = await call("/v1/predictions", { method: "POST", body: "x".repeat(8192) }, CLOSED);
    expect(await logged(short.id)).toMatchObject({
      status: 401,
      requestBody: "x".repeat(8192),
      problem: null,
    });
  });

  it("keeps text as it came", async () => {
    const body = `{"cut":"\u0000\u2028 \u{1f48e} é \\ud800 '); DROP TABLE requests;--"}`;
    const answer = await call("/v1/predictions", { ...INVALID, body });
    expect((await logged(answer.id))?.requestBody).toBe(body);
  });
});

describe("when the log's database fails", () => {
  it("for a moment, the record is written a little later", async () => {
    const answer = await call("/v1/predictions", INVALID, failing(2, lost));
    expect(answer.status).toBe(422);
    expect(await logged(answer.id)).toMatchObject({ status: 422 });
    expect(await deadLetter(answer.id)).toBeNull();
  });

  it("after it has committed, the record is there once", async () => {
    let calls = 0;
    const LOG_DB = wrap(env.LOG_DB, {
      prepare: (sql: string) => {
        const inner = env.LOG_DB.prepare(sql);
        return wrap(inner, {
          bind: (...values: unknown[]) =>
            wrap(inner.bind(...values), {
              run: async <T>() => {
                const result = await inner.bind(...values).run<T>();
                if (calls++ === 0) throw lost();
                return result;
              },
            }),
        });
      },
    });
    const answer = await call("/v1/predictions", INVALID, { ...env, LOG_DB });
    expect(calls).toBe(2);
    expect(await logged(answer.id)).toMatchObject({ status: 422 });
    expect(await deadLetter(answer.id)).toBeNull();
  });

  it.each([
    ["always", () => failing(Number.POSITIVE_INFINITY, lost)],
    ["for good reason", () => failing(1, () => new Error("D1_ERROR: table requests has no column named x"))],
    [
      "being overloaded",
      () => failing(1, () => new Error("D1_ERROR: D1 DB is overloaded. Too many requests queued.")),
    ],
  ])("%s, the record goes to the bucket", async (_, bindings) => {
    const answer = await call("/v1/predictions", INVALID, bindings());
    expect(answer.status).toBe(422);
    expect(await logged(answer.id)).toBeUndefined();
    expect(await deadLetter(answer.id)).toMatchObject({
      id: answer.id,
      status: 422,
      path: "/v1/predictions",
      requestBody: INVALID.body,
      responseBody: answer.text,
    });
  });

  it("and the bucket too, the record is a line of the console", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
    const MODELS = wrap(env.MODELS, { put: () => Promise.reject(new Error("R2 is down")) });
    const answer = await call("/v1/predictions", INVALID, { ...failing(9, lost), MODELS });
    expect(answer.status).toBe(422);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      message: "a request could not be logged",
      deadLetter: "R2 is down",
      record: { id: answer.id, status: 422 },
    });
  });

  it("to answer, the caller does not wait for it", async () => {
    const answered = Promise.withResolvers<void>();
    const slow = { ...env, LOG_DB: faultyDatabase(env.LOG_DB, () => answered.promise) };
    const context = createExecutionContext();
    const response = await worker.fetch(new Request(`${HOST}/v1/predictions`, INVALID), slow, context);
    await response.text();
    answered.resolve();
    await waitOnExecutionContext(context);
    expect(await logged(response.headers.get("x-request-id") ?? "")).toMatchObject({ status: 422 });
  });
});
