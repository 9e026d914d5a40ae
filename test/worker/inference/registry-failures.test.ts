/** Responses and log records while the registry fails or is slow. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { SCOPES } from "../../../src/domain/access.ts";
import {
  call,
  expectUnavailable,
  get,
  type ProblemDetails,
  post,
  readLogRecord,
  STONE,
  sendWithoutBackground,
} from "../support/call.ts";
import { moveClock } from "../support/clock.ts";
import { createConnectionLostError, createFaultyDatabase } from "../support/faults.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS, revokeKey } from "../support/keys.ts";
import { pointAlias, publishModel, readLinearModel, warmUpRuntime } from "../support/registry.ts";

type PredictionBody = ProblemDetails & { price: number; model: { name: string; version: number } };

const predict = (selector: string, bindings?: Env) =>
  post<PredictionBody>(`/v1/predictions?model=${selector}`, STONE, bindings);
const SIMILAR_PATH = "/v1/diamonds/similar?carat=1&cut=Ideal&color=H&clarity=SI2&model=steady";

const STEADY_PATH = "/v1/predictions?model=steady";
const PREDICTION = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(STONE),
};

const envWithoutRegistry = {
  ...env,
  DB: createFaultyDatabase(env.DB, async () => {
    throw createConnectionLostError();
  }),
};

beforeAll(async () => {
  await publishModel({ name: "good", version: 1, file: "steep" });
  await warmUpRuntime();
  await pointAlias("steady", { name: "good", version: 1 });
  await predict("steady");
});

afterEach(() => {
  vi.useRealTimers();
});

describe("if the registry is unavailable", () => {
  it("a cached alias still gives prices, also for a batch", async () => {
    moveClock(60);
    expect((await predict("steady", envWithoutRegistry)).body.price).toBe(1521);
    const batch = await post<{ predictions: unknown[] }>(
      "/v1/predictions/batch?model=steady",
      { diamonds: [STONE, STONE] },
      envWithoutRegistry,
    );
    expect(batch.body.predictions).toHaveLength(2);
    expect((await readLogRecord(batch.id))?.status).toBe(200);
  });

  it("an uncached alias gets a 503, and so does each request that needs the registry", async () => {
    await expectUnavailable(await predict("uncached", envWithoutRegistry), /Network connection lost/);
    const similar = await get<PredictionBody>(SIMILAR_PATH, envWithoutRegistry);
    await expectUnavailable(similar, /Network connection lost/);
    const headers = {
      ...createAuthorizationHeader(await createKey("admin", ["admin", "appraise"])),
      "content-type": "application/json",
    };
    await call("/v1/aliases/steady", { headers }, ENV_WITH_KEYS);
    const body = JSON.stringify({ model: "good@1", reason: "a test" });
    const closedEnv = { ...ENV_WITH_KEYS, DB: envWithoutRegistry.DB };
    for (const [method, path, text] of [
      ["PUT", "/v1/aliases/steady", body],
      ["POST", "/v1/diamonds", JSON.stringify({ diamonds: [{ ...STONE, price: 1500 }] })],
    ] as const) {
      const answer = await call(path, { method, headers, body: text }, closedEnv);
      expect(answer.status, path).toBe(503);
      expect(answer.response.headers.get("retry-after")).toBe("5");
    }
  });
});

describe("if the registry is slow", () => {
  const createEnvWithSlowRegistry = (ms: number) => ({
    ...ENV_WITH_KEYS,
    DB: createFaultyDatabase(env.DB, () => scheduler.wait(ms)),
  });

  it("every request that needs it gets a 503 within two seconds if there is no answer", async () => {
    const silentEnv = { ...ENV_WITH_KEYS, DB: createFaultyDatabase(env.DB, () => new Promise(() => {})) };
    const key = createAuthorizationHeader(await createKey("patient", [...SCOPES]));
    await call("/v1/models", { headers: key }, ENV_WITH_KEYS);
    const headers = { ...key, "content-type": "application/json" };
    const requests: [method: string, path: string, body?: object][] = [
      ["POST", "/v1/predictions?model=uncached-too", STONE],
      ["GET", SIMILAR_PATH],
      ["GET", "/v1/models"],
      ["GET", "/v1/models/good"],
      ["GET", "/v1/models/good/versions/1"],
      ["GET", "/v1/models/good/versions/1/report"],
      ["GET", "/v1/models/good/versions/1/alias-periods"],
      ["GET", "/v1/aliases/steady"],
      ["PUT", "/v1/aliases/steady", { model: "good@1", reason: "a test" }],
      ["DELETE", "/v1/aliases/steady?reason=a+test"],
      ["POST", "/v1/diamonds", { diamonds: [{ ...STONE, price: 1500 }] }],
      ["DELETE", "/v1/diamonds/0123456789abcdef?reason=a+test"],
    ];
    const startedAt = performance.now();
    const answers = await Promise.all(
      requests.map(([method, path, body]) =>
        sendWithoutBackground(path, { method, headers, body: body ? JSON.stringify(body) : null }, silentEnv),
      ),
    );
    expect(performance.now() - startedAt).toBeLessThan(2_900);
    for (const [i, answer] of answers.entries()) {
      expect(answer, requests[i]!.join(" ")).toMatchObject({ status: 503, retryAfter: "5" });
      expect(answer.text).toContain("A database is unavailable");
    }
  });

  it("a key that is not cached gets a 503 within two seconds", async () => {
    const silentEnv = { ...ENV_WITH_KEYS, DB: createFaultyDatabase(env.DB, () => new Promise(() => {})) };
    const headers = createAuthorizationHeader(await createKey("silent", ["predict"]));
    const startedAt = performance.now();
    const answer = await sendWithoutBackground(SIMILAR_PATH, { headers }, silentEnv);
    expect(performance.now() - startedAt).toBeLessThan(2_900);
    expect(answer).toMatchObject({ status: 503, retryAfter: "5" });
    expect(answer.text).toContain("Keys cannot be checked");
  });

  it("no request waits for what the isolate knows, while it is less than 15 s old", async () => {
    moveClock(60);
    await predict("steady");
    const silentEnv = { ...env, DB: createFaultyDatabase(env.DB, () => new Promise(() => {})) };
    moveClock(14.9);
    const startedAt = performance.now();
    for (let i = 0; i < 3; i++)
      expect(await sendWithoutBackground(STEADY_PATH, PREDICTION, silentEnv)).toMatchObject({ status: 200 });
    // A request that waits does so for a second.
    expect(performance.now() - startedAt).toBeLessThan(900);
  });

  it("a revoked key and a moved alias still take effect, even if each query takes 2.5 s", async () => {
    const key = createAuthorizationHeader(await createKey("slow-shop", ["predict"]));
    await publishModel({ name: "successor", version: 1, file: readLinearModel(6) });
    await pointAlias("moving", { name: "good", version: 1 });
    const send = async (bindings: Env) => {
      const headers = { ...key, "content-type": "application/json" };
      const init = { method: "POST", headers, body: JSON.stringify(STONE) };
      const answer = await call("/v1/predictions?model=moving", init, bindings);
      return answer.status === 200 ? (JSON.parse(answer.text) as PredictionBody).model.name : answer.status;
    };
    expect(await send(ENV_WITH_KEYS)).toBe("good");
    await pointAlias("moving", { name: "successor", version: 1 });
    moveClock(11);
    const results: (string | number)[] = [];
    const sendUntil = async (expected: string | number) => {
      for (const end = performance.now() + 9_000; performance.now() < end && results.at(-1) !== expected; )
        results.push(await send(createEnvWithSlowRegistry(2_500)));
    };
    await sendUntil("successor");
    expect(results[0]).toBe("good");
    expect(results.at(-1)).toBe("successor");
    await revokeKey("slow-shop");
    moveClock(11);
    await sendUntil(401);
    expect(results.at(-1)).toBe(401);
  });
});
