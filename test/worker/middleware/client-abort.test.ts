/**
 * Clients that disconnect before the response. These tests call the Worker through its own binding, because
 * an abort then cancels the request as the disconnect of a real client does.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { afterEach, expect, it, vi } from "vitest";
import { requests } from "../../../src/db/request-log/schema.ts";
import worker from "../../../src/worker.ts";
import { ORIGIN, STONE } from "../support/call.ts";
import { moveClock, stopClock } from "../support/clock.ts";
import { createFaultyDatabase, overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader } from "../support/keys.ts";

const { DB } = env;

/** While true, the registry does not answer. */
let isRegistryBlocked = false;

afterEach(() => {
  env.DB = DB;
  isRegistryBlocked = false;
  vi.useRealTimers();
});

/** Starts a request. Its user agent identifies it. Returns a function that disconnects. */
function startRequest(name: string, path: string, init: RequestInit = {}) {
  const client = new AbortController();
  const headers = { ...init.headers, "user-agent": name };
  const status = exports.default
    .fetch(`${ORIGIN}${path}`, { ...init, headers, signal: client.signal })
    .then((response) => response.status);
  status.catch(() => {});
  /** Disconnects and returns the log record of the request. */
  const disconnect = async () => {
    client.abort();
    await expect(status).rejects.toThrow("aborted");
    isRegistryBlocked = false;
    return vi.waitFor(
      async () => {
        const rows = await drizzle(env.LOG_DB).select().from(requests);
        const row = rows.find(({ userAgent }) => userAgent === name);
        expect(row, name).toBeDefined();
        return row;
      },
      { timeout: 30_000, interval: 50 },
    );
  };
  return disconnect;
}

/**
 * Counts the statements and returns a function that waits for the next one after a call. A request that aborts
 * earlier would never reach the Worker.
 */
function countStatements() {
  let statements = 0;
  env.DB = createFaultyDatabase(DB, async () => {
    statements++;
    await waitWhileBlocked();
  });
  return async <T>(start: () => T): Promise<T> => {
    const before = statements;
    const started = start();
    await waitUntilTrue(() => statements > before);
    return started;
  };
}

/** Polls, because workerd does not let a request wait for a promise of another request. */
async function waitWhileBlocked(): Promise<void> {
  while (isRegistryBlocked) await scheduler.wait(10);
}

async function waitUntilTrue(isDone: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(isDone()).toBe(true), { timeout: 30_000, interval: 5 });
}

it("logs a client that disconnects during the request, without a response", async () => {
  const waitForStatement = countStatements();
  for (let attempt = 0; attempt < 8; attempt++) {
    isRegistryBlocked = true;
    const disconnect = await waitForStatement(() =>
      startRequest(`reader ${attempt}`, "/v1/models/log-linear"),
    );
    await scheduler.wait(15 * attempt);
    expect(await disconnect()).toMatchObject({
      status: 499,
      path: "/v1/models/log-linear",
      route: "/v1/models/:name",
      responseBody: null,
    });
  }
});

it("logs what was done for a client that disconnects", async () => {
  let isCommitted = false;
  isRegistryBlocked = true;
  env.DB = overrideMethods(DB, {
    batch: async <T>(statements: D1PreparedStatement[]) => {
      const results = await DB.batch<T>(statements);
      isCommitted = true;
      await waitWhileBlocked();
      return results;
    },
  });
  const body = JSON.stringify({ diamonds: [{ ...STONE, price: 1500 }] });
  const headers = { "content-type": "application/json" };
  const disconnect = startRequest("appraiser", "/v1/diamonds", { method: "POST", headers, body });
  await waitUntilTrue(() => isCommitted);
  const record = await disconnect();
  expect(record).toMatchObject({ status: 499, requestBody: body });
  const stones = await DB.prepare("SELECT request_id FROM appraisals").all<{ request_id: string }>();
  expect(stones.results).toEqual([{ request_id: record?.id }]);
});

it("logs a client that disconnects while it sends, with the part that it has sent", async () => {
  // The key is looked up before the body is read.
  const waitForStatement = countStatements();
  const { readable, writable } = new TransformStream<Uint8Array>();
  const headers = createAuthorizationHeader("facet_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  const disconnect = await waitForStatement(() => {
    const init = { method: "POST", headers, body: readable };
    void writable.getWriter().write(new TextEncoder().encode('{"carat":'));
    return startRequest("sender", "/v1/predictions", init);
  });
  await scheduler.wait(100);
  expect(await disconnect()).toMatchObject({
    status: 499,
    requestBody: '{"carat":',
    problem: expect.stringContaining("disconnected"),
  });
});

it("answers and logs a client that stops sending but stays connected", async () => {
  stopClock();
  const { readable, writable } = new TransformStream<Uint8Array>();
  const context = createExecutionContext();
  const init = { method: "POST", body: readable, headers: { "user-agent": "staller" } };
  const pendingResponse = worker.fetch(new Request(`${ORIGIN}/v1/predictions`, init), env, context);
  // The write ends when the Worker has read the bytes.
  await writable.getWriter().write(new TextEncoder().encode('{"carat":'));
  await scheduler.wait(0);
  moveClock(16);
  const response = await pendingResponse;
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("The connection closed before the end of the body");
  await waitOnExecutionContext(context);
  const rows = await drizzle(env.LOG_DB).select().from(requests);
  expect(rows.find(({ userAgent }) => userAgent === "staller")).toMatchObject({
    status: 400,
    requestBody: '{"carat":',
    problem: "no answer within 15000 ms",
  });
});

it("answers a client that sends a byte every ten seconds after a minute", async () => {
  stopClock();
  const { readable, writable } = new TransformStream<Uint8Array>();
  const context = createExecutionContext();
  const init = { method: "POST", body: readable, headers: { "user-agent": "trickle" } };
  const pendingResponse = worker.fetch(new Request(`${ORIGIN}/v1/predictions`, init), env, context);
  const writer = writable.getWriter();
  for (let second = 0; second < 60; second += 10) {
    await writer.write(new TextEncoder().encode(" "));
    moveClock(10);
  }
  const response = await pendingResponse;
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("The body took longer than 60 seconds");
  await waitOnExecutionContext(context);
  const rows = await drizzle(env.LOG_DB).select().from(requests);
  expect(rows.find(({ userAgent }) => userAgent === "trickle")).toMatchObject({
    status: 400,
    requestBody: "      ",
    problem: "the body took longer than 60000 ms",
  });
});

it("logs a request as a 500 if a value other than an Error is thrown", async () => {
  const withSession = () => {
    throw "not an Error";
  };
  const context = createExecutionContext();
  const request = new Request(`${ORIGIN}/v1/models`, { headers: { "user-agent": "thrown" } });
  const brokenEnv = { ...env, DB: overrideMethods(DB, { withSession }) };
  await expect(worker.fetch(request, brokenEnv, context)).rejects.toBe("not an Error");
  await waitOnExecutionContext(context);
  const rows = await drizzle(env.LOG_DB).select().from(requests);
  expect(rows.find(({ userAgent }) => userAgent === "thrown")).toMatchObject({
    status: 500,
    responseBody: null,
  });
});
