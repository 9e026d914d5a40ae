import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { SCOPES, type Scope } from "../../../src/domain/access.ts";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import { call, type ProblemDetails, readLogRecord, STONE } from "../support/call.ts";
import { moveClock, stopClock } from "../support/clock.ts";
import { type OpenApiDocument, readOpenApiDocument } from "../support/contract.ts";
import { createConnectionLostError, createFaultyDatabase } from "../support/faults.ts";
import {
  createAuthorizationHeader,
  createEnvWithAccess,
  createKey,
  ENV_WITH_KEYS,
  revokeKey,
} from "../support/keys.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../support/registry.ts";

const REALM = 'Bearer realm="facet"';

/** By operation: the required scope, or null if no key is needed. Add each new endpoint. */
const REQUIRED_SCOPES: Record<string, string | null> = {
  createPrediction: "predict",
  createPredictions: "predict",
  listSimilarDiamonds: "predict",
  createAppraisals: "appraise",
  withdrawDiamond: "appraise",
  listModels: "predict",
  listVersions: "predict",
  getVersion: "predict",
  getReport: "predict",
  listAliasPeriods: "predict",
  getAlias: "predict",
  moveAlias: "admin",
  removeAlias: "admin",
  createOutcome: "appraise",
  listRequests: "admin",
  exportRequests: "admin",
  getRequest: "admin",
  eraseRequest: "admin",
  getMonitoring: "admin",
  getHealth: null,
  getReadiness: null,
};

async function sendWithKey(key: string | null, bindings = ENV_WITH_KEYS, path = "/v1/models") {
  const answer = await call(path, key === null ? {} : { headers: createAuthorizationHeader(key) }, bindings);
  const challenge = answer.response.headers.get("www-authenticate");
  return { ...answer, challenge, detail: (JSON.parse(answer.text) as ProblemDetails).detail };
}

/** Bindings whose registry fails for statements about keys. */
const envWithFailingKeys = {
  ...ENV_WITH_KEYS,
  DB: createFaultyDatabase(env.DB, async (sql) => {
    if (sql.includes('"keys"')) throw createConnectionLostError();
  }),
};

let document: OpenApiDocument;

beforeAll(async () => {
  document = await readOpenApiDocument();
  await publishModel({ name: "steep", version: 1, file: "steep" });
  await warmUpRuntime();
  await pointAlias("champion", { name: "steep", version: 1 });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an operation", () => {
  const operations = ENDPOINTS.map((Endpoint) => {
    const { operationId } = new Endpoint({} as never).schema;
    return [operationId, Endpoint] as const;
  });

  it.each(operations)("%s requires its scope and documents it", async (id, { method, path, scope }) => {
    expect(scope).toBe(REQUIRED_SCOPES[id]);
    const operation = document.paths[path.replaceAll(/:(\w+)/g, "{$1}")]?.[method];
    if (scope === null) {
      expect(Object.keys(operation?.responses ?? {})).not.toContain("401");
      return;
    }
    expect(operation?.security).toEqual(
      (scope as Scope) === "admin" ? [{ key: [scope] }] : [{ key: [scope] }, {}],
    );
    expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(["401", "403"]));
    expect(operation?.description).toContain(`\`${scope}\``);

    const otherScopes = SCOPES.filter((other) => other !== scope);
    const key = await createKey(`all but ${scope} for ${id}`, otherScopes);
    const address = path.replaceAll(/:\w+/g, "1");
    const init = { method: method.toUpperCase() };
    for (const bindings of (scope as Scope) === "admin" ? [ENV_WITH_KEYS, env] : [ENV_WITH_KEYS]) {
      const without = await call(address, init, bindings);
      expect(without.status).toBe(401);
      expect(without.response.headers.get("www-authenticate")).toBe(REALM);
      const wrong = await call(address, { ...init, headers: createAuthorizationHeader(key) }, bindings);
      expect(wrong.status).toBe(403);
      expect(JSON.parse(wrong.text).detail).toContain(`does not have the scope ${scope}`);
      expect(wrong.response.headers.get("www-authenticate")).toBe(
        `${REALM}, error="insufficient_scope", scope="${scope}"`,
      );
      expect(await readLogRecord(wrong.id)).toMatchObject({
        status: 403,
        caller: `all but ${scope} for ${id}`,
      });
    }
  });

  it.each(["/health", "/ready", "/openapi.json", "/docs"])("GET %s needs no key", async (path) => {
    expect(
      (await call(path, { headers: createAuthorizationHeader("facet_wrong") }, ENV_WITH_KEYS)).status,
    ).toBe(200);
  });
});

describe("a key", () => {
  it("grants access, and its name is in the log", async () => {
    const key = await createKey("shop", ["predict"]);
    const headers = { ...createAuthorizationHeader(key), "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(STONE) };
    const { status, id } = await call("/v1/predictions", init, ENV_WITH_KEYS);
    expect(status).toBe(200);
    const record = await readLogRecord(id);
    expect(record).toMatchObject({ caller: "shop", status: 200 });
    expect(JSON.stringify(record)).not.toContain(key.slice(6));
    const { last_used_at } = (await env.DB.prepare(
      "SELECT last_used_at FROM keys WHERE name = 'shop'",
    ).first<{
      last_used_at: string;
    }>()) ?? { last_used_at: "" };
    expect(Date.now() - Date.parse(last_used_at)).toBeLessThan(10_000);
  });

  it.each([
    ["that does not exist", "facet_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "does not exist"],
    ["with a wrong format", "secret", "no valid key"],
    ["with a quote", "facet_' OR 1=1 --", "no valid key"],
  ])("%s is refused, even if no key is needed", async (_, key, detail) => {
    for (const bindings of [ENV_WITH_KEYS, env]) {
      const answer = await sendWithKey(key, bindings);
      expect(answer.status).toBe(401);
      expect(answer.challenge).toBe(`${REALM}, error="invalid_token"`);
      expect(answer.detail).toContain(detail);
      expect(await readLogRecord(answer.id)).toMatchObject({ status: 401, caller: null });
    }
  });

  it.each(["Basic c2hvcDpzZWNyZXQ=", "Bearer", "facet_x", "Bearer a b"])(
    "cannot be sent as %s",
    async (authorization) => {
      const answer = await call("/v1/models", { headers: { authorization } }, ENV_WITH_KEYS);
      expect(answer.status).toBe(401);
    },
  );

  it("is refused from the second at which it expires", async () => {
    const expiresAt = new Date(Date.now() + 5000).toISOString();
    const key = await createKey("short-lived", ["predict"], { expiresAt });
    expect((await sendWithKey(key)).status).toBe(200);
    moveClock(6);
    const answer = await sendWithKey(key);
    expect(answer.status).toBe(401);
    expect(answer.detail).toContain("expired");
    const invalid = await createKey("invalid expiry", ["predict"], { expiresAt: "soon" });
    expect((await sendWithKey(invalid)).status).toBe(401);
  });

  it("is looked up once in five seconds, and is refused within 15 seconds after it is revoked", async () => {
    const key = await createKey("leaked", ["predict"]);
    let lookups = 0;
    const countingEnv = {
      ...ENV_WITH_KEYS,
      DB: createFaultyDatabase(env.DB, async (sql) => {
        if (sql.startsWith("select") && sql.includes('"keys"')) lookups++;
      }),
    };
    stopClock();
    for (let i = 0; i < 5; i++) expect((await sendWithKey(key, countingEnv)).status).toBe(200);
    moveClock(4.9);
    expect((await sendWithKey(key, countingEnv)).status).toBe(200);
    expect(lookups).toBe(1);
    // The first request after 5 seconds looks the key up in the background.
    moveClock(0.2);
    expect((await sendWithKey(key, countingEnv)).status).toBe(200);
    expect(lookups).toBe(2);
    await revokeKey("leaked");
    moveClock(15);
    const answer = await sendWithKey(key, countingEnv);
    expect(answer.status).toBe(401);
    expect(answer.detail).toContain("revoked");
    expect((await readLogRecord(answer.id))?.problem).toContain("the key leaked is revoked");
    expect(lookups).toBe(3);
  });

  it("is looked up once by simultaneous requests, and once if it does not exist", async () => {
    const key = await createKey("simultaneous", ["predict"]);
    let lookups = 0;
    const countingEnv = {
      ...ENV_WITH_KEYS,
      DB: createFaultyDatabase(env.DB, async (sql) => {
        if (sql.startsWith("select") && sql.includes('"keys"')) lookups++;
      }),
    };
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendWithKey(key, countingEnv)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(lookups).toBe(1);
    const unknownKey = "facet_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
    for (let i = 0; i < 5; i++) expect((await sendWithKey(unknownKey, countingEnv)).status).toBe(401);
    expect(lookups).toBe(2);
  });

  it("updates its time of last use once a minute", async () => {
    const key = await createKey("used often", ["predict"]);
    let updates = 0;
    const countingEnv = {
      ...ENV_WITH_KEYS,
      DB: createFaultyDatabase(env.DB, async (sql) => {
        if (sql.startsWith("update")) updates++;
      }),
    };
    for (let i = 0; i < 4; i++) {
      await sendWithKey(key, countingEnv);
      moveClock(20);
    }
    expect(updates).toBe(2);
  });
});

describe("if the registry is unavailable", () => {
  it("a cached key is accepted for five minutes, and a revoked one is refused", async () => {
    const key = await createKey("cached", ["predict"]);
    const revoked = await createKey("revoked earlier", ["predict"], {
      revokedAt: "2026-11-01T00:00:00.000Z",
    });
    expect((await sendWithKey(key)).status).toBe(200);
    expect((await sendWithKey(revoked)).status).toBe(401);
    moveClock(60);
    const answer = await sendWithKey(key, envWithFailingKeys);
    expect(answer.status).toBe(200);
    expect((await readLogRecord(answer.id))?.problem).toContain("did not answer for the key");
    expect((await sendWithKey(revoked, envWithFailingKeys)).status).toBe(401);
    moveClock(200);
    expect((await sendWithKey(key, envWithFailingKeys)).status).toBe(200);
    moveClock(50);
    const { status, detail, text, response } = await sendWithKey(key, envWithFailingKeys);
    expect(status).toBe(503);
    expect(detail).toContain("Keys cannot be checked");
    expect(response.headers.get("retry-after")).toBe("5");
    expect(text).not.toContain("D1");
    expect((await sendWithKey(key)).status).toBe(200);
  });

  it("a key that is not cached is refused", async () => {
    const key = await createKey("new", ["predict"]);
    for (const bindings of [
      envWithFailingKeys,
      { ...envWithFailingKeys, ACCESS: "open" } as unknown as Env,
    ]) {
      expect((await sendWithKey(key, bindings)).status).toBe(503);
    }
    expect((await sendWithKey(key)).status).toBe(200);
  });

  it("a registry without the table refuses every key", async () => {
    const key = await createKey("no table", ["predict"]);
    expect((await sendWithKey(key, { ...ENV_WITH_KEYS, DB: env.LOG_DB })).status).toBe(503);
  });
});

describe("ACCESS", () => {
  it.each([undefined, "", "OPEN", "open ", "none", "true", "keys"])(
    "of %j requires a key",
    async (access) => {
      const { status, challenge, detail } = await sendWithKey(null, createEnvWithAccess(access));
      expect(status).toBe(401);
      expect(challenge).toBe(REALM);
      expect(detail).toContain("Authorization: Bearer facet_");
    },
  );

  it("of open requires neither a key nor a scope", async () => {
    expect((await sendWithKey(null, createEnvWithAccess("open"))).status).toBe(200);
    const key = await createKey("appraiser", ["appraise"]);
    const { status, id } = await sendWithKey(key, createEnvWithAccess("open"));
    expect(status).toBe(200);
    expect((await readLogRecord(id))?.caller).toBe("appraiser");
    expect((await sendWithKey(key)).status).toBe(403);
  });
});
