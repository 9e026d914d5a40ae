/** Prices and keys while the registry fails, in an isolate that knows neither the key nor the alias. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { COPY_PREFIX, parseCopyKey, toCopyKey } from "../../../src/db/registry-copy/schema.ts";
import { updateRegistryCopy } from "../../../src/db/registry-copy/write.ts";
import type { Prediction } from "../../../src/domain/prediction/prediction.ts";
import type { Warning } from "../../../src/domain/prediction/warning.ts";
import { call, type ProblemDetails, readLogRecord, STONE, sendWithoutBackground } from "../support/call.ts";
import { moveClock, skipTime } from "../support/clock.ts";
import { createConnectionLostError, createFaultyDatabase, overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS, revokeKey } from "../support/keys.ts";
import { pointAlias, publishModel, readLinearModel, warmUpRuntime } from "../support/registry.ts";

type Body = Prediction & ProblemDetails & { warnings: Warning[]; model: { name: string; version: number } };

const failing: Env = {
  ...ENV_WITH_KEYS,
  DB: createFaultyDatabase(env.DB, () => Promise.reject(createConnectionLostError())),
};
const silent: Env = { ...ENV_WITH_KEYS, DB: createFaultyDatabase(env.DB, () => new Promise(() => {})) };
const SIMILAR = "/v1/diamonds/similar?carat=1&cut=Ideal&color=H&clarity=SI2";
const UNAVAILABLE = { code: "registry-unavailable", fields: [] };

let count = 0;

/** A name that this isolate has not seen, so that neither the key nor the alias is cached. */
const createName = () => `unseen-${++count}`;

/** Creates an alias and a key that this isolate does not know. */
async function createUnseen(key: Parameters<typeof createKey>[2] = {}) {
  const alias = createName();
  await pointAlias(alias, { name: "good", version: 1 });
  return { alias, key: await createKey(alias, ["predict"], key) };
}

const createInit = (key: string, body: object = STONE) => ({
  method: "POST",
  headers: { ...createAuthorizationHeader(key), "content-type": "application/json" },
  body: JSON.stringify(body),
});

async function predict(selector: string, key: string, bindings: Env = failing) {
  const answer = await call(`/v1/predictions?model=${selector}`, createInit(key), bindings);
  const log = await readLogRecord(answer.id);
  return { status: answer.status, body: JSON.parse(answer.text) as Body, problem: log?.problem ?? "" };
}

beforeAll(async () => {
  await publishModel({ name: "good", version: 1, file: "steep" });
  await warmUpRuntime();
  for (const [version, slope] of [0, 1].entries())
    await publishModel({ name: "good", version: version + 2, file: readLinearModel(slope) });
  await pointAlias("champion", { name: "good", version: 1 });
});

beforeEach(() => {
  // The isolate forgets the failures and the copy of the test before.
  skipTime(400 * (count + 1));
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a new isolate whose registry fails", () => {
  it("prices with a warning, and the log has the reason", async () => {
    const { alias, key } = await createUnseen();
    await updateRegistryCopy(env);
    const { status, body, problem } = await predict(alias, key);
    expect(status).toBe(200);
    expect(body).toMatchObject({ price: 1521, model: { name: "good", version: 1 } });
    expect(body.warnings).toEqual([
      {
        ...UNAVAILABLE,
        message: `The registry does not answer, so its last copy is used. good@1 answered. A later move of ${alias} may not be seen yet.`,
      },
    ]);
    expect(problem).toContain("the registry did not answer for the key: ");
    expect(problem).toContain("the registry did not answer: ");
    expect(problem).toContain("Network connection lost");
    expect(problem).toMatch(/the copy of the registry was used \(revision \d+\)/);
  });

  it("prices a batch, and is ready", async () => {
    const { alias, key } = await createUnseen();
    await updateRegistryCopy(env);
    const path = `/v1/predictions/batch?model=${alias}`;
    const answer = await call(path, createInit(key, { diamonds: [STONE, STONE] }), failing);
    expect(JSON.parse(answer.text)).toMatchObject({
      warnings: [UNAVAILABLE],
      predictions: [{ price: 1521 }, { price: 1521 }],
    });
    const ready = await call("/ready", {}, failing);
    expect(JSON.parse(ready.text)).toMatchObject({ status: "ready", warnings: [UNAVAILABLE] });
  });

  it("knows versions, the newest version of a model, the canary and the challenger", async () => {
    const { key } = await createUnseen();
    const [withCanary, name] = [createName(), createName()];
    await pointAlias(withCanary, { name: "good", version: 2 });
    await env.DB.prepare(
      "UPDATE aliases SET share = 100, canary_name = 'good', canary_version = 3 WHERE alias = ?1",
    )
      .bind(withCanary)
      .run();
    await publishModel({ name, version: 1, file: readLinearModel(2) });
    await updateRegistryCopy(env);
    for (const [selector, version] of [
      [withCanary, 3],
      ["good@2", 2],
      ["good", 3],
      [name, 1],
    ] as const) {
      const { status, body } = await predict(selector, key);
      expect([selector, status, body.model?.version]).toEqual([selector, 200, version]);
      expect(body.warnings).toMatchObject([UNAVAILABLE]);
    }
  });

  it("uses what it knows before the copy", async () => {
    const { alias, key } = await createUnseen();
    expect((await predict(alias, key, ENV_WITH_KEYS)).body.warnings).toEqual([]);
    await updateRegistryCopy(env);
    moveClock(100);
    expect((await predict(alias, key)).body.warnings).toEqual([]);
    // A key that was read more than five minutes ago is looked up in the copy.
    await revokeKey(alias);
    await updateRegistryCopy(env);
    moveClock(250);
    expect((await predict(alias, key)).status).toBe(401);
  });

  it("refuses a revoked key and an expired one", async () => {
    const revoked = await createUnseen({ revokedAt: "2026-11-01T00:00:00.000Z" });
    const expired = await createUnseen({ expiresAt: "2026-11-01T00:00:00.000Z" });
    await updateRegistryCopy(env);
    for (const [{ alias, key }, reason] of [
      [revoked, "is revoked"],
      [expired, "has expired"],
    ] as const) {
      const { status, body } = await predict(alias, key);
      expect(status).toBe(401);
      expect(body.detail).toContain(reason);
    }
  });

  it("answers 503 for a key, an alias and a version that are not in the copy: they may be newer", async () => {
    const known = await createUnseen();
    await updateRegistryCopy(env);
    const later = await createUnseen();
    expect(await predict(known.alias, later.key)).toMatchObject({
      status: 503,
      body: { detail: "Keys cannot be checked at the moment. Try again in a few seconds." },
    });
    for (const selector of [later.alias, "good@9", "missing"])
      expect(await predict(selector, known.key)).toMatchObject({ status: 503 });
  });

  it("reads the copy once for many requests, and again after a few seconds", async () => {
    const { alias, key } = await createUnseen();
    await updateRegistryCopy(env);
    const list = vi.fn((options?: R2ListOptions) => env.MODELS.list(options));
    const counting = { ...failing, MODELS: overrideMethods(env.MODELS, { list }) };
    const answers = await Promise.all(Array.from({ length: 10 }, () => predict(alias, key, counting)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(list).toHaveBeenCalledTimes(1);
    await revokeKey(alias);
    await updateRegistryCopy(env);
    expect((await predict(alias, key, counting)).status).toBe(200);
    moveClock(15);
    expect((await predict(alias, key, counting)).status).toBe(401);
    expect(list).toHaveBeenCalledTimes(2);
  });

  it("uses the registry again as soon as it answers", async () => {
    const { alias, key } = await createUnseen();
    await updateRegistryCopy(env);
    await pointAlias(alias, { name: "good", version: 2 });
    expect((await predict(alias, key)).body.model.version).toBe(1);
    moveClock(1.1);
    // This request starts the read in the background.
    await predict(alias, key, ENV_WITH_KEYS);
    const { body } = await predict(alias, key, ENV_WITH_KEYS);
    expect(body.model.version).toBe(2);
    expect(body.warnings).toEqual([]);
  });

  it("answers 503 if the previous version of an alias is needed, but not later than two seconds", async () => {
    const { key } = await createUnseen();
    const alias = createName();
    await pointAlias(alias, { name: "good", version: 1 });
    await publishModel({ name: "lost", version: count });
    await pointAlias(alias, { name: "lost", version: count });
    await updateRegistryCopy(env);
    const startedAt = performance.now();
    const path = `/v1/predictions?model=${alias}`;
    expect(await sendWithoutBackground(path, createInit(key), silent)).toMatchObject({ status: 503 });
    expect(performance.now() - startedAt).toBeLessThan(2_900);
  });
});

describe("a new isolate whose registry never answers", () => {
  it("prices after one second, and at once from then on", async () => {
    const { alias, key } = await createUnseen();
    await updateRegistryCopy(env);
    const durations: number[] = [];
    for (let i = 0; i < 2; i++) {
      const startedAt = performance.now();
      const path = `/v1/predictions?model=${alias}`;
      const { status, text } = await sendWithoutBackground(path, createInit(key), silent);
      durations.push(performance.now() - startedAt);
      expect([status, JSON.parse(text)]).toMatchObject([200, { price: 1521, warnings: [UNAVAILABLE] }]);
    }
    expect(durations[0]).toBeGreaterThan(990);
    expect(durations[0]).toBeLessThan(1_900);
    expect(durations[1]).toBeLessThan(900);
  });

  it("answers 503 for similar stones within two seconds", async () => {
    const { alias, key } = await createUnseen();
    await updateRegistryCopy(env);
    const startedAt = performance.now();
    const headers = createAuthorizationHeader(key);
    const answer = await sendWithoutBackground(`${SIMILAR}&model=${alias}`, { headers }, silent);
    expect(answer).toMatchObject({ status: 503, retryAfter: "5" });
    expect(performance.now() - startedAt).toBeLessThan(2_900);
  });

  it("prices without comparable stones and reasons, with a warning for each", async () => {
    const { alias, key } = await createUnseen();
    await updateRegistryCopy(env);
    const path = `/v1/predictions?model=${alias}&comparables=2&explain=true`;
    const { text } = await sendWithoutBackground(path, createInit(key), silent);
    const { price, warnings } = JSON.parse(text) as Body;
    expect(price).toBe(1521);
    expect(warnings.map(({ code }) => code).sort()).toEqual([
      "no-comparables",
      "no-explanation",
      "registry-unavailable",
    ]);
  });
});

describe("without a copy that can be used,", () => {
  async function expectUnavailable(reason: string | RegExp, bindings: Env = failing) {
    const { alias, key } = await createUnseen();
    const { status, body, problem } = await predict(alias, key, bindings);
    expect([status, body.type]).toEqual([503, "urn:facet:problem:unavailable"]);
    expect(problem).toMatch(reason);
  }

  const deleteCopies = async () => {
    const { objects } = await env.MODELS.list({ prefix: COPY_PREFIX });
    await env.MODELS.delete(objects.map(({ key }) => key));
  };

  it("a new isolate answers 503, and the log says that there is none", async () => {
    await deleteCopies();
    await env.MODELS.put(`${COPY_PREFIX}!notes.txt`, "of somebody else");
    await expectUnavailable("the bucket has no copy of the registry");
    await env.MODELS.delete(`${COPY_PREFIX}!notes.txt`);
  });

  it.each(["", "{", "null", '{"format":2}', '{"format":1,"revision":1,"aliases":[],"models":[],"keys":[]}'])(
    "because the newest one is damaged (%j), a new isolate does not use an older one",
    async (text) => {
      const { alias, key } = await createUnseen();
      await updateRegistryCopy(env);
      const { objects } = await env.MODELS.list({ prefix: COPY_PREFIX });
      const damaged = toCopyKey(parseCopyKey(objects[0]!.key)! + 1);
      await env.MODELS.put(damaged, text);
      const answer = await predict(alias, key);
      expect(answer.status).toBe(503);
      expect(answer.problem).toContain(`the copy of the registry ${damaged} is damaged or deleted`);
      await env.MODELS.delete(damaged);
    },
  );

  it("because the bucket fails too, a new isolate answers 503", async () => {
    const list = () => Promise.reject(new Error("R2 is down"));
    const bindings = { ...failing, MODELS: overrideMethods(env.MODELS, { list }) };
    await expectUnavailable("the copy of the registry cannot be read: R2 is down", bindings);
  });
});
