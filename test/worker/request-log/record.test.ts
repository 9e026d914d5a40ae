import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Scope } from "../../../src/domain/access.ts";
import { call, readLogRecord, STONE } from "../support/call.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";
import { publishModel } from "../support/registry.ts";

const INVALID_PREDICTION: RequestInit = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ ...STONE, cut: "Ruby" }),
};

describe("a log record", () => {
  it("has every column", async () => {
    const before = Date.now();
    const answer = await call("/v1/predictions?model=nobody", {
      ...INVALID_PREDICTION,
      headers: { "content-type": "application/json", "user-agent": "Francesco/1.0" },
      cf: { country: "IT", colo: "MXP" } as unknown as IncomingRequestCfProperties,
    } as RequestInit);
    const record = await readLogRecord(answer.id);
    expect(record).toEqual({
      id: answer.id,
      at: expect.any(Number),
      method: "POST",
      path: "/v1/predictions",
      route: "/v1/predictions",
      query: "model=nobody",
      status: 422,
      durationMs: expect.any(Number),
      requestBody: INVALID_PREDICTION.body,
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
      repeats: null,
    });
    expect(record?.at).toBeGreaterThanOrEqual(before);
    expect(record?.at).toBeLessThanOrEqual(Date.now());
    expect(record?.durationMs).toBeGreaterThanOrEqual(0);
  });

  it("has an id that the Worker creates in order of time, even if the client sends one", async () => {
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
  ])("exists for %s %s (%i)", async (method, path, status, route) => {
    const answer = await call(path, { method });
    expect(answer.status).toBe(status);
    const record = await readLogRecord(answer.id);
    expect(record).toMatchObject({ method, path, status, route });
    const isDocumentation = path === "/openapi.json" || path === "/docs";
    if (method !== "HEAD") expect(record?.responseBody).toBe(isDocumentation ? null : answer.text);
  });

  it("has no response body for a model report, unless the response is a problem", async () => {
    const report = "models/steep/1.html";
    await env.MODELS.put(report, "<!doctype html>");
    await publishModel({ name: "steep", version: 1 });
    await env.DB.prepare("UPDATE models SET report = ?1").bind(report).run();
    const found = await call("/v1/models/steep/versions/1/report");
    expect([found.status, found.text]).toEqual([200, "<!doctype html>"]);
    expect((await readLogRecord(found.id))?.responseBody).toBeNull();
    const missing = await call("/v1/models/steep/versions/2/report");
    expect((await readLogRecord(missing.id))?.responseBody).toBe(missing.text);
  });

  it("contains no secret headers and no IP address", async () => {
    const answer = await call("/v1/models", {
      headers: {
        authorization: "Bearer facet_secret",
        cookie: "session=secret",
        "x-api-key": "secret",
        "cf-connecting-ip": "203.0.113.9",
        "x-forwarded-for": "203.0.113.9",
      },
    });
    const record = JSON.stringify(await readLogRecord(answer.id));
    expect(record).toContain(answer.id);
    expect(record).not.toMatch(/secret|203\.0\.113/);
  });

  it.each<[string, string, number, { scopes?: Scope[]; extraBytes?: number }]>([
    ["DELETE", "/v1/aliases/champion", 401, {}],
    ["POST", "/v1/diamonds", 403, { scopes: ["predict"] }],
    ["POST", "/v1/nothing", 404, {}],
    ["POST", "/health", 405, {}],
    ["OPTIONS", "/v1/models", 204, {}],
    ["POST", "/v1/predictions", 413, { extraBytes: 1 }],
  ])(
    "has only the start of a large body if the request is not authorized: %s %s (%i)",
    async (method, path, status, { scopes, extraBytes = 0 }) => {
      const headers = scopes ? createAuthorizationHeader(await createKey(crypto.randomUUID(), scopes)) : {};
      // The first 8,192 bytes end in the middle of a character.
      const body = `xx${"é".repeat(524_287)}${"x".repeat(extraBytes)}`;
      const answer = await call(path, { method, headers, body }, scopes ? ENV_WITH_KEYS : env);
      expect(answer.status).toBe(status);
      expect(await readLogRecord(answer.id)).toMatchObject({
        requestBody: `xx${"é".repeat(4095)}`,
        bodies: null,
        problem: expect.stringMatching(/^only the first 8192 of \d+ bytes of the body are kept$/),
      });
      const { objects } = await env.MODELS.list({ prefix: "log-bodies/" });
      expect(objects.filter(({ key }) => key.includes(answer.id))).toEqual([]);
    },
  );

  it("has the full body if the caller has a key or the body is short", async () => {
    const headers = createAuthorizationHeader(await createKey(crypto.randomUUID(), ["predict"]));
    const long = await call(
      "/v1/predictions",
      { method: "POST", headers, body: "x".repeat(9000) },
      ENV_WITH_KEYS,
    );
    expect(await readLogRecord(long.id)).toMatchObject({
      status: 415,
      requestBody: "x".repeat(9000),
      problem: null,
    });
    const short = await call("/v1/nothing", { method: "POST", body: "x".repeat(8192) });
    expect(await readLogRecord(short.id)).toMatchObject({
      status: 404,
      requestBody: "x".repeat(8192),
      problem: null,
    });
  });

  it("has the request body unchanged", async () => {
    const body = `{"cut":"\u0000\u2028 \u{1f48e} é \\ud800 '); DROP TABLE requests;--"}`;
    const answer = await call("/v1/predictions", { ...INVALID_PREDICTION, body });
    expect((await readLogRecord(answer.id))?.requestBody).toBe(body);
  });
});
