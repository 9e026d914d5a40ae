import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Background } from "../../../src/domain/prediction/explanation.ts";
import { call, STONE } from "../support/call.ts";
import { createFaultyDatabase, overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../support/registry.ts";

const SIMILAR = "/v1/diamonds/similar?carat=1&cut=Ideal&color=H&clarity=SI2";
const BACKGROUND: Background = {
  carat: [0.9],
  depth: [61],
  table: [56],
  x: [5],
  y: [5.1],
  z: [3.5],
  cut: ["Good"],
  color: ["E"],
  clarity: ["VS1"],
};

let headers: Record<string, string>;

async function send(path: string, init: { method?: string; body?: unknown }, bindings: Env) {
  const { method = init.body === undefined ? "GET" : "POST", body } = init;
  const text = body === undefined ? null : JSON.stringify(body);
  return call(path, { method, headers, body: text }, { ...bindings, ACCESS: "keys" } as Env);
}

/** Sends a request and returns the sessions in which its statements on a table of the registry ran. */
async function recordSessions(table: string, path: string, init: { method?: string; body?: unknown } = {}) {
  const sessions = new Set<string | null>();
  const DB = createFaultyDatabase(env.DB, async (sql, session) => {
    if (sql.includes(table) && !sql.includes("last_used_at")) sessions.add(session);
  });
  const answer = await send(path, init, { ...env, DB });
  return { status: answer.status, sessions: [...sessions] };
}

beforeAll(async () => {
  await publishModel({ name: "good", version: 1, file: "steep" });
  await warmUpRuntime();
  await pointAlias("champion", { name: "good", version: 1 });
  const key = await createKey("marta", ["predict", "appraise", "admin"]);
  headers = { ...createAuthorizationHeader(key), "content-type": "application/json" };
});

describe("a read that may be a moment old", () => {
  it.each([
    ["diamonds", SIMILAR],
    ["diamonds", "/v1/predictions?comparables=2"],
    ["background", "/v1/predictions?explain=true"],
    ["models", "/v1/models"],
    ["aliases", "/v1/models"],
    ["models", "/v1/models/good"],
    ["models", "/v1/models/good/versions/1"],
    ["models", "/v1/models/good/versions/1/report"],
    ["alias_history", "/v1/models/good/versions/1/alias-periods"],
  ])("of %s by %s is answered by a replica", async (table, path) => {
    const init = path.startsWith("/v1/predictions") ? { body: STONE } : {};
    expect((await recordSessions(table, path, init)).sessions).toEqual(["first-unconstrained"]);
  });
});

describe("a read that decides about keys and aliases, or about a write,", () => {
  it("is answered by the primary", async () => {
    const key = createAuthorizationHeader(await createKey("other", ["predict"]));
    const sessions = new Map<string, string | null>();
    const DB = createFaultyDatabase(env.DB, async (sql, session) => {
      for (const table of ["keys", "aliases"])
        if (sql.includes(`from "${table}"`)) sessions.set(table, session);
    });
    await pointAlias("uncached", { name: "good", version: 1 });
    const body = JSON.stringify(STONE);
    const init = { method: "POST", headers: { ...headers, ...key }, body };
    expect((await call("/v1/predictions?model=uncached", init, { ...ENV_WITH_KEYS, DB })).status).toBe(200);
    expect(Object.fromEntries(sessions)).toEqual({ keys: "first-primary", aliases: "first-primary" });
  });

  it.each([
    ["aliases", "GET", "/v1/aliases/champion", undefined],
    ["alias_history", "PUT", "/v1/aliases/moved", { model: "good@1", reason: "a test" }],
    ["alias_history", "DELETE", "/v1/aliases/moved?reason=a+test", undefined],
    ["appraisals", "POST", "/v1/diamonds", { diamonds: [{ ...STONE, price: 1500 }] }],
    ["withdrawals", "DELETE", "/v1/diamonds/0123456789abcdef?reason=a+test", undefined],
  ])("of %s by %s %s is answered by the primary", async (table, method, path, body) => {
    const { sessions } = await recordSessions(table, path, { method, body });
    expect(sessions).toContain("first-primary");
    expect(sessions).not.toContain("first-unconstrained");
  });
});

describe("a replica that does not have a version yet", () => {
  /** The database of the log plays the replica: with the tables of the registry, but without rows. */
  let lagging: Env;

  beforeAll(async () => {
    await applyD1Migrations(env.LOG_DB, env.TEST_MIGRATIONS.registry, "registry_migrations");
    const withSession = ((constraint: D1SessionConstraint) =>
      (constraint === "first-unconstrained" ? env.LOG_DB : env.DB).withSession(
        constraint,
      )) as D1Database["withSession"];
    lagging = { ...env, DB: overrideMethods(env.DB, { withSession }) };
  });

  it.each([
    "/v1/models/new",
    "/v1/models/new/versions/1",
    "/v1/models/new/versions/1/alias-periods",
    `${SIMILAR}&model=new@1`,
  ])("does not make GET %s a 404", async (path) => {
    await publishModel({ name: "new", version: 1, file: "steep", dataset: 2 }).catch(() => {});
    expect((await send(path, {}, lagging)).status).toBe(200);
  });

  it("leads to a 404 only if the primary does not have it either", async () => {
    for (const path of ["/v1/models/missing", "/v1/models/missing/versions/1", `${SIMILAR}&model=missing@1`])
      expect((await send(path, {}, lagging)).status).toBe(404);
  });

  it("does not cost a prediction its version, its reasons or its comparable stones", async () => {
    await publishModel({
      name: "newest",
      version: 1,
      file: "steep",
      dataset: 3,
      facts: { background: BACKGROUND },
    });
    const answer = await send(
      "/v1/predictions?model=newest@1&comparables=2&explain=true",
      { body: STONE },
      lagging,
    );
    const body = JSON.parse(answer.text);
    expect(body).toMatchObject({ price: 1521, comparables: [], warnings: [] });
    expect(body.explanation.reasons).not.toEqual([]);
  });
});
