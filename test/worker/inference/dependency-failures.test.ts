/**
 * Responses and log records while a dependency fails. The other tests of this folder and those of the request
 * log cover the remaining failures; docs/faults.md lists all of them.
 */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { DAY_MS } from "../../../src/lib/time.ts";
import { archiveOldDays } from "../../../src/request-log/archive/archive.ts";
import { createRandom } from "../../support/random.ts";
import {
  call,
  expectUnavailable,
  type ProblemDetails,
  post,
  readLogRecord,
  STONE,
  sendWithoutBackground,
} from "../support/call.ts";
import { moveClock } from "../support/clock.ts";
import { createConnectionLostError, createFaultyDatabase, overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS, revokeKey } from "../support/keys.ts";
import { pointAlias, publishModel, readLinearModel, warmUpRuntime } from "../support/registry.ts";
import { createRecord, insertRecords } from "../support/request-log/log-rows.ts";

type PredictionBody = ProblemDetails & { price: number; model: { name: string; version: number } };

const predict = (selector: string, bindings?: Env) =>
  post<PredictionBody>(`/v1/predictions?model=${selector}`, STONE, bindings);
const PREDICTION = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(STONE),
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

describe("a bucket", () => {
  it("that is slow delays only the first caller", async () => {
    await publishModel({ name: "slow", version: 1, file: readLinearModel(0) });
    const readSlowly = vi.fn(async (key: string) => {
      await scheduler.wait(2000);
      return env.MODELS.get(key);
    });
    const bindings = { ...env, MODELS: overrideMethods(env.MODELS, { get: readSlowly as R2Bucket["get"] }) };
    expect((await predict("slow", bindings)).body.price).toBe(110 + 421);
    expect((await predict("slow", bindings)).status).toBe(200);
    expect(readSlowly).toHaveBeenCalledTimes(1);
  });

  it("that never answers leads to a 503 after 15 seconds, or to the previous version of an alias", async () => {
    const file = readLinearModel(1);
    const key = await publishModel({ name: "stuck", version: 1, file });
    await pointAlias("hanging", { name: "good", version: 1 });
    await pointAlias("hanging", { name: "stuck", version: 1 });
    const getUnlessStuck = (path: string) => (path === key ? new Promise(() => {}) : env.MODELS.get(path));
    const bindings = {
      ...env,
      MODELS: overrideMethods(env.MODELS, { get: getUnlessStuck as R2Bucket["get"] }),
    };
    const [answer, fallback] = await Promise.all([
      sendWithoutBackground("/v1/predictions?model=stuck@1", PREDICTION, bindings),
      sendWithoutBackground("/v1/predictions?model=hanging", PREDICTION, bindings),
    ]);
    expect(answer).toMatchObject({ status: 503, retryAfter: "5" });
    expect(fallback).toMatchObject({ status: 200 });
    expect(fallback.text).toContain("The previous hanging, good@1, answered.");
    // Later callers do not wait for the file again.
    for (const seconds of [0, 6]) {
      moveClock(seconds);
      const startedAt = performance.now();
      expect(
        await sendWithoutBackground("/v1/predictions?model=hanging", PREDICTION, bindings),
      ).toMatchObject({ status: 200 });
      expect(performance.now() - startedAt).toBeLessThan(3_000);
    }
  });

  it("that fails once is read again at once, and one that fails twice is read again a second later", async () => {
    const [once, twice] = [readLinearModel(7), readLinearModel(8)];
    const keys = [
      await publishModel({ name: "once", version: 1, file: once }),
      await publishModel({ name: "twice", version: 1, file: twice }),
    ];
    const failuresLeft = new Map(keys.map((key, i) => [key, i + 1]));
    const get = async (key: string) => {
      const failures = failuresLeft.get(key) ?? 0;
      if (failures === 0) return env.MODELS.get(key);
      failuresLeft.set(key, failures - 1);
      throw new Error("We encountered an internal error. Please try again. (10001)");
    };
    const bindings = { ...env, MODELS: overrideMethods(env.MODELS, { get: get as R2Bucket["get"] }) };
    expect((await predict("once", bindings)).status).toBe(200);
    await expectUnavailable(await predict("twice", bindings), /twice@1 cannot be used: .*internal error/);
    moveClock(1.1);
    expect((await predict("twice", bindings)).status).toBe(200);
  });

  it("that stops in the middle of a file leads to a 503", async () => {
    await publishModel({ name: "incomplete", version: 1, file: readLinearModel(2) });
    const get = async (key: string) => {
      const object = await env.MODELS.get(key);
      return (
        object &&
        overrideMethods(object, { arrayBuffer: () => Promise.reject(new Error("the stream ended early")) })
      );
    };
    const bindings = { ...env, MODELS: overrideMethods(env.MODELS, { get: get as R2Bucket["get"] }) };
    await expectUnavailable(
      await predict("incomplete", bindings),
      /incomplete@1 cannot be used: the stream ended early/,
    );
  });
});

describe("if the database of the log is unavailable", () => {
  const envWithoutLog = {
    ...env,
    LOG_DB: createFaultyDatabase(env.LOG_DB, async () => {
      throw createConnectionLostError();
    }),
  };

  it("predictions still work, and their records are dead letters in the bucket", async () => {
    const { status, id } = await predict("steady", envWithoutLog);
    expect(status).toBe(200);
    expect(await env.MODELS.head(`log-dead-letters/${id}.json`)).not.toBeNull();
  });

  it("or has no tables, a request that reads the log gets a 503 that does not mention models", async () => {
    const envWithoutLogTables = {
      ...env,
      LOG_DB: createFaultyDatabase(env.LOG_DB, async () => {
        throw new Error("D1_ERROR: no such table: requests: SQLITE_ERROR");
      }),
    };
    const headers = createAuthorizationHeader(await createKey("reader without tables", ["admin"]));
    const answer = await call("/v1/requests", { headers }, envWithoutLogTables);
    expect(answer.status).toBe(503);
    expect(answer.text).toContain("A database is unavailable");
  });

  it("each request that reads the log gets a 503", async () => {
    const key = createAuthorizationHeader(await createKey("reader", ["admin", "appraise"]));
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
      const answer = await call(path, init, envWithoutLog);
      expect(answer.status, path).toBe(503);
      expect(answer.response.headers.get("retry-after")).toBe("5");
      expect(answer.text).not.toMatch(/D1|SQLITE/);
    }
  });
});

describe("if the bucket is unavailable", () => {
  const fail = () => Promise.reject(new Error("R2 is down"));
  const MODELS = overrideMethods(env.MODELS, { get: fail, head: fail, list: fail, delete: fail });
  const random = createRandom(31);
  const headers = { "content-type": "application/json" };

  beforeAll(async () => {
    Object.assign(headers, createAuthorizationHeader(await createKey("auditor", ["admin", "appraise"])));
  });

  const send = (method: string, path: string, bindings?: Env) =>
    call(path, { method, headers, ...(method === "POST" && { body: '{"price":1,"index":0}' }) }, bindings);

  it("a request for logged bodies or archived records gets a 503, and works again afterwards", async () => {
    const batch = JSON.stringify({ diamonds: Array.from({ length: 1000 }, () => STONE) }, null, 10);
    const { id } = await post<ProblemDetails>("/v1/predictions/batch?model=steady", batch);
    const archived = createRecord(Date.now() - 120 * DAY_MS, random);
    await insertRecords([archived]);
    await archiveOldDays(env);
    const expectFailure = async (method: string, path: string) => {
      const answer = await send(method, path, { ...env, MODELS });
      expect(answer.status, path).toBe(503);
      expect(answer.response.headers.get("retry-after")).toBe("5");
      expect(answer.text).not.toContain("R2");
      expect((await readLogRecord(answer.id))?.problem).toContain("R2 is down");
    };
    for (const requestId of [id, archived.id]) {
      await expectFailure("GET", `/v1/requests/${requestId}`);
      await expectFailure("POST", `/v1/predictions/${requestId}/outcome`);
    }
    expect((await send("GET", `/v1/requests/${archived.id}`)).status).toBe(200);
    expect((await send("POST", `/v1/predictions/${id}/outcome`)).status).toBe(201);
    for (const requestId of [id, archived.id]) {
      await expectFailure("DELETE", `/v1/requests/${requestId}`);
      // The erasure has begun.
      expect((await send("GET", `/v1/requests/${requestId}`)).status).toBe(404);
      expect((await send("DELETE", `/v1/requests/${requestId}`)).status).toBe(200);
    }
  });
});

describe("if the clock moves", () => {
  const YEAR_SECONDS = 365 * 86_400;

  it.each([YEAR_SECONDS, -YEAR_SECONDS])(
    "by %i s, predictions still work and a moved alias takes effect",
    async (seconds) => {
      const alias = `at-${seconds > 0 ? "later" : "earlier"}`;
      await publishModel({ name: alias.slice(3), version: 1, file: readLinearModel(seconds > 0 ? 3 : 4) });
      await pointAlias(alias, { name: "good", version: 1 });
      expect((await predict(alias)).body.model.name).toBe("good");
      moveClock(seconds);
      await pointAlias(alias, { name: alias.slice(3), version: 1 });
      const { status, body } = await predict(alias);
      expect(status).toBe(200);
      expect(body.model.name).toBe(alias.slice(3));
    },
  );

  it.each([YEAR_SECONDS, -YEAR_SECONDS])(
    "by %i s, the log has the request with the new time",
    async (seconds) => {
      moveClock(seconds);
      const at = Date.now();
      const { id } = await predict("steady");
      const record = await readLogRecord(id);
      expect(Math.abs((record?.at ?? 0) - at)).toBeLessThan(60_000);
      expect(record?.durationMs).toBeGreaterThanOrEqual(0);
    },
  );

  it("back by a year, a revoked key is refused at once and a valid key is accepted", async () => {
    const [kept, leaked] = [await createKey("kept", ["predict"]), await createKey("leaked", ["predict"])];
    const send = (key: string) =>
      call("/v1/models", { headers: createAuthorizationHeader(key) }, ENV_WITH_KEYS);
    expect([(await send(kept)).status, (await send(leaked)).status]).toEqual([200, 200]);
    moveClock(-YEAR_SECONDS);
    await revokeKey("leaked");
    expect([(await send(kept)).status, (await send(leaked)).status]).toEqual([200, 401]);
  });

  it("back by a year, an unreadable file is read again", async () => {
    const file = readLinearModel(5);
    const key = await publishModel({ name: "repaired", version: 1, file });
    await env.MODELS.delete(key);
    expect((await predict("repaired")).status).toBe(503);
    await env.MODELS.put(key, file);
    moveClock(-YEAR_SECONDS);
    expect((await predict("repaired")).status).toBe(200);
  });
});
