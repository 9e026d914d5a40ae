import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { SCOPES, type Scope } from "../../../src/domain/access.ts";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import { call, logged, type Refusal, STONE } from "../support/call.ts";
import { type OpenApiDocument, openApi } from "../support/contract.ts";
import { faultyDatabase, lost } from "../support/faults.ts";
import { bearer, CLOSED, makeKey, revoke, withAccess } from "../support/keys.ts";
import { point, publish, warmUp } from "../support/registry.ts";

const REALM = 'Bearer realm="facet"';

/** What each operation needs. A new endpoint comes in here. */
const NEEDED: Record<string, string | null> = {
  createPrediction: "predict",
  createPredictions: "predict",
  listSimilarDiamonds: "predict",
  createAppraisals: "appraise",
  withdrawDiamond: "appraise",
  listModels: "predict",
  listVersions: "predict",
  getVersion: "predict",
  getReport: "predict",
  getAlias: "predict",
  moveAlias: "admin",
  removeAlias: "admin",
  createOutcome: "appraise",
  listRequests: "admin",
  getRequest: "admin",
  forgetRequest: "admin",
  getMonitoring: "admin",
  getHealth: null,
  getReadiness: null,
};

async function ask(key: string | null, bindings = CLOSED, path = "/v1/models") {
  const answer = await call(path, key === null ? {} : { headers: bearer(key) }, bindings);
  const challenge = answer.response.headers.get("www-authenticate");
  return { ...answer, challenge, detail: (JSON.parse(answer.text) as Refusal).detail };
}

/** Lets time pass for the Worker's caches. */
function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

/** A registry that fails for statements about keys. */
const keyless = {
  ...CLOSED,
  DB: faultyDatabase(env.DB, async (sql) => {
    if (sql.includes('"keys"')) throw lost();
  }),
};

let document: OpenApiDocument;

beforeAll(async () => {
  document = await openApi();
  await publish({ name: "steep", version: 1, file: "steep" });
  await warmUp();
  await point("champion", { name: "steep", version: 1 });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an operation", () => {
  const operations = ENDPOINTS.map((Endpoint) => {
    const { operationId } = new Endpoint({} as never).schema;
    return [operationId, Endpoint] as const;
  });

  it.each(operations)("%s needs its scope, and says so", async (id, { method, path, scope }) => {
    expect(scope).toBe(NEEDED[id]);
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

    const others = SCOPES.filter((other) => other !== scope);
    const key = await makeKey(`all but ${scope} for ${id}`, others);
    const address = path.replaceAll(/:\w+/g, "1");
    const init = { method: method.toUpperCase() };
    for (const bindings of (scope as Scope) === "admin" ? [CLOSED, env] : [CLOSED]) {
      const without = await call(address, init, bindings);
      expect(without.status).toBe(401);
      expect(without.response.headers.get("www-authenticate")).toBe(REALM);
      const wrong = await call(address, { ...init, headers: bearer(key) }, bindings);
      expect(wrong.status).toBe(403);
      expect(JSON.parse(wrong.text).detail).toContain(`no scope ${scope}`);
      expect(wrong.response.headers.get("www-authenticate")).toBe(
        `${REALM}, error="insufficient_scope", scope="${scope}"`,
      );
      expect(await logged(wrong.id)).toMatchObject({ status: 403, caller: `all but ${scope} for ${id}` });
    }
  });

  it.each(["/health", "/ready", "/openapi.json", "/docs"])("GET %s needs no key", async (path) => {
    expect((await call(path, { headers: bearer("facet_wrong") }, CLOSED)).status).toBe(200);
  });
});

describe("a key", () => {
  it("lets its bearer in, and the log has its name", async () => {
    const key = await makeKey("shop", ["predict"]);
    const headers = { ...bearer(key), "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(STONE) };
    const { status, id } = await call("/v1/predictions", init, CLOSED);
    expect(status).toBe(200);
    const record = await logged(id);
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
    ["that nobody knows", "facet_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "not known"],
    ["of another form", "secret", "no key"],
    ["with a quote", "facet_' OR 1=1 --", "no key"],
  ])("%s is refused, also where none is needed", async (_, key, detail) => {
    for (const bindings of [CLOSED, env]) {
      const answer = await ask(key, bindings);
      expect(answer.status).toBe(401);
      expect(answer.challenge).toBe(`${REALM}, error="invalid_token"`);
      expect(answer.detail).toContain(detail);
      expect(await logged(answer.id)).toMatchObject({ status: 401, caller: null });
    }
  });

  it.each(["Basic c2hvcDpzZWNyZXQ=", "Bearer", "facet_x", "Bearer a b"])(
    "is no %s",
    async (authorization) => {
      const answer = await call("/v1/models", { headers: { authorization } }, CLOSED);
      expect(answer.status).toBe(401);
    },
  );

  it("is refused when it has expired, to the second", async () => {
    const expiresAt = new Date(Date.now() + 5000).toISOString();
    const key = await makeKey("brief", ["predict"], { expiresAt });
    expect((await ask(key)).status).toBe(200);
    pass(6);
    const answer = await ask(key);
    expect(answer.status).toBe(401);
    expect(answer.detail).toContain("expired");
    const strange = await makeKey("strange", ["predict"], { expiresAt: "soon" });
    expect((await ask(strange)).status).toBe(401);
  });

  it("is looked up once in ten seconds, and stops when it is revoked", async () => {
    const key = await makeKey("leaked", ["predict"]);
    let asked = 0;
    const counted = {
      ...CLOSED,
      DB: faultyDatabase(env.DB, async (sql) => {
        if (sql.startsWith("select") && sql.includes('"keys"')) asked++;
      }),
    };
    for (let i = 0; i < 5; i++) expect((await ask(key, counted)).status).toBe(200);
    expect(asked).toBe(1);
    await revoke("leaked");
    pass(9);
    expect((await ask(key, counted)).status).toBe(200);
    pass(1.1);
    const answer = await ask(key, counted);
    expect(answer.status).toBe(401);
    expect(answer.detail).toContain("revoked");
    expect((await logged(answer.id))?.problem).toContain("the key leaked is revoked");
    expect(asked).toBe(2);
  });

  it("is looked up once by requests that overlap, and once where there is none", async () => {
    const key = await makeKey("busy", ["predict"]);
    let asked = 0;
    const counted = {
      ...CLOSED,
      DB: faultyDatabase(env.DB, async (sql) => {
        if (sql.startsWith("select") && sql.includes('"keys"')) asked++;
      }),
    };
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(key, counted)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(asked).toBe(1);
    const stranger = "facet_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
    for (let i = 0; i < 5; i++) expect((await ask(stranger, counted)).status).toBe(401);
    expect(asked).toBe(2);
  });

  it("is noted as used once a minute", async () => {
    const key = await makeKey("steady", ["predict"]);
    let noted = 0;
    const counted = {
      ...CLOSED,
      DB: faultyDatabase(env.DB, async (sql) => {
        if (sql.startsWith("update")) noted++;
      }),
    };
    for (let i = 0; i < 4; i++) {
      await ask(key, counted);
      pass(20);
    }
    expect(noted).toBe(2);
  });
});

describe("when the registry cannot be reached", () => {
  it("a key that is known goes on for five minutes, a revoked one does not", async () => {
    const key = await makeKey("patient", ["predict"]);
    const revoked = await makeKey("gone", ["predict"], { revokedAt: "2026-11-01T00:00:00.000Z" });
    expect((await ask(key)).status).toBe(200);
    expect((await ask(revoked)).status).toBe(401);
    pass(60);
    const answer = await ask(key, keyless);
    expect(answer.status).toBe(200);
    expect((await logged(answer.id))?.problem).toContain("did not answer about the key");
    expect((await ask(revoked, keyless)).status).toBe(401);
    pass(200);
    expect((await ask(key, keyless)).status).toBe(200);
    pass(50);
    const { status, detail, text, response } = await ask(key, keyless);
    expect(status).toBe(503);
    expect(detail).toContain("Keys cannot be checked");
    expect(response.headers.get("retry-after")).toBe("5");
    expect(text).not.toContain("D1");
    expect((await ask(key)).status).toBe(200);
  });

  it("a key that is not known is not let in", async () => {
    const key = await makeKey("new", ["predict"]);
    for (const bindings of [keyless, { ...keyless, ACCESS: "open" } as unknown as Env]) {
      expect((await ask(key, bindings)).status).toBe(503);
    }
    expect((await ask(key)).status).toBe(200);
  });

  it("a registry without the table lets nobody in", async () => {
    const key = await makeKey("early", ["predict"]);
    expect((await ask(key, { ...CLOSED, DB: env.LOG_DB })).status).toBe(503);
  });
});

describe("ACCESS", () => {
  it.each([undefined, "", "OPEN", "open ", "none", "true", "keys"])(
    "of %j asks for a key",
    async (access) => {
      const { status, challenge, detail } = await ask(null, withAccess(access));
      expect(status).toBe(401);
      expect(challenge).toBe(REALM);
      expect(detail).toContain("Authorization: Bearer facet_");
    },
  );

  it("of open asks for none, nor for a scope", async () => {
    expect((await ask(null, withAccess("open"))).status).toBe(200);
    const key = await makeKey("appraiser", ["appraise"]);
    const { status, id } = await ask(key, withAccess("open"));
    expect(status).toBe(200);
    expect((await logged(id))?.caller).toBe("appraiser");
    expect((await ask(key)).status).toBe(403);
  });
});
