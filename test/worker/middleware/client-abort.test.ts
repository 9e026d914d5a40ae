/**
 * Clients that go away before they are answered. The Worker is called through its own binding here: such a
 * request has a life of its own, which ends when the caller aborts, as with a real client.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { afterEach, expect, it, vi } from "vitest";
import { requests } from "../../../src/db/request-log/schema.ts";
import worker from "../../../src/index.ts";
import { HOST, STONE } from "../support/call.ts";
import { faultyDatabase, wrap } from "../support/faults.ts";
import { bearer } from "../support/keys.ts";

const { DB } = env;

/** Whether the registry waits. */
let held = false;

afterEach(() => {
  env.DB = DB;
  held = false;
});

/** Begins a request, which is told apart by its user agent. */
function begin(name: string, path: string, init: RequestInit = {}) {
  const client = new AbortController();
  const headers = { ...init.headers, "user-agent": name };
  const answer = exports.default
    .fetch(`${HOST}${path}`, { ...init, headers, signal: client.signal })
    .then((response) => response.status);
  answer.catch(() => {});
  /** Goes away; returns what is in the log then. */
  const leave = async () => {
    client.abort();
    await expect(answer).rejects.toThrow("aborted");
    held = false;
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
  return leave;
}

/** Watches the registry, and tells when it was asked so often: a request that aborts sooner was never seen. */
function watchRegistry() {
  let asked = 0;
  env.DB = faultyDatabase(DB, async () => {
    asked++;
    await released();
  });
  return (times: number) => until(() => asked >= times);
}

/** Waits by the clock: a request cannot wait for a promise that another one keeps. */
async function released(): Promise<void> {
  while (held) await scheduler.wait(10);
}

async function until(done: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(done()).toBe(true), { timeout: 30_000, interval: 5 });
}

it("a client that goes away while it is answered is in the log, without an answer", async () => {
  const asked = watchRegistry();
  for (let moment = 0; moment < 8; moment++) {
    held = true;
    const leave = begin(`reader ${moment}`, "/v1/models/log-linear");
    await asked(moment + 1);
    await scheduler.wait(15 * moment);
    expect(await leave()).toMatchObject({
      status: 499,
      path: "/v1/models/log-linear",
      route: "/v1/models/:name",
      responseBody: null,
    });
  }
});

it("what was done for a client that goes away is in the log", async () => {
  let committed = false;
  held = true;
  env.DB = wrap(DB, {
    batch: async <T>(statements: D1PreparedStatement[]) => {
      const results = await DB.batch<T>(statements);
      committed = true;
      await released();
      return results;
    },
  });
  const body = JSON.stringify({ diamonds: [{ ...STONE, price: 1500 }] });
  const headers = { "content-type": "application/json" };
  const leave = begin("appraiser", "/v1/diamonds", { method: "POST", headers, body });
  await until(() => committed);
  const record = await leave();
  expect(record).toMatchObject({ status: 499, requestBody: body });
  const stones = await DB.prepare("SELECT request_id FROM appraisals").all<{ request_id: string }>();
  expect(stones.results).toEqual([{ request_id: record?.id }]);
});

it("a client that goes away while it sends is in the log, with what it had sent", async () => {
  // The key is looked for before the body is read.
  const asked = watchRegistry();
  const { readable, writable } = new TransformStream<Uint8Array>();
  const headers = bearer("facet_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  const leave = begin("sender", "/v1/predictions", { method: "POST", headers, body: readable });
  await writable.getWriter().write(new TextEncoder().encode('{"carat":'));
  await asked(1);
  await scheduler.wait(100);
  expect(await leave()).toMatchObject({
    status: 499,
    requestBody: '{"carat":',
    problem: expect.stringContaining("disconnected"),
  });
});

it("a client that stops in the middle and stays is told so, and is in the log", async () => {
  const { readable, writable } = new TransformStream<Uint8Array>();
  const context = createExecutionContext();
  const init = { method: "POST", body: readable, headers: { "user-agent": "staller" } };
  const answer = worker.fetch(new Request(`${HOST}/v1/predictions`, init), env, context);
  await writable.getWriter().write(new TextEncoder().encode('{"carat":'));
  const response = await answer;
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("broke off");
  await waitOnExecutionContext(context);
  const rows = await drizzle(env.LOG_DB).select().from(requests);
  expect(rows.find(({ userAgent }) => userAgent === "staller")).toMatchObject({
    status: 400,
    requestBody: '{"carat":',
    problem: "no answer within 15000 ms",
  });
});

it("a request that something is thrown from which is no error is in the log as a 500", async () => {
  const prepare = () => {
    throw "no error";
  };
  const context = createExecutionContext();
  const request = new Request(`${HOST}/v1/models`, { headers: { "user-agent": "thrown" } });
  const broken = { ...env, DB: wrap(DB, { prepare }) };
  await expect(worker.fetch(request, broken, context)).rejects.toBe("no error");
  await waitOnExecutionContext(context);
  const rows = await drizzle(env.LOG_DB).select().from(requests);
  expect(rows.find(({ userAgent }) => userAgent === "thrown")).toMatchObject({
    status: 500,
    responseBody: null,
  });
});
