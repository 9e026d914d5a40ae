/**
 * 300 overlapping requests, a third of them bad, while the log's database or bucket fail: callers notice
 * nothing, no request is lost, and after the drain each is in the database once.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import worker from "../../../src/index.ts";
import { drainDeadLetters } from "../../../src/request-log/write/dead-letters.ts";
import { HOST, STONE } from "../support/call.ts";
import { hurry, lost, wrap } from "../support/faults.ts";
import { letters, ids as rows } from "../support/log-rows.ts";

const REQUESTS = 300;

/** What happens around the database's statement, which is the n-th from 1. */
type Fault = (n: number, statement: () => Promise<unknown>) => Promise<unknown>;

const failsFirst =
  (k: number): Fault =>
  (n, statement) =>
    n <= k ? Promise.reject(lost()) : statement();
const failsAfterCommit =
  (k: number): Fault =>
  async (n, statement) => {
    const result = await statement();
    if (n <= k) throw lost();
    return result;
  };
const slow =
  (ms: number): Fault =>
  async (_, statement) => {
    await scheduler.wait(ms);
    return statement();
  };

/**
 * A log database with a fault in each statement that writes, which begins when `open` resolves; and a
 * promise of the end of all statements, which can come long after everybody stopped waiting for one.
 */
function logDatabase(fault: Fault, open: Promise<void>) {
  const statements: Promise<unknown>[] = [];
  const around = <T>(work: () => Promise<T>): Promise<T> => {
    const n = statements.length + 1;
    const outcome = open.then(() => fault(n, work)) as Promise<T>;
    statements.push(outcome);
    return outcome;
  };
  const statement = (inner: D1PreparedStatement): D1PreparedStatement =>
    wrap(inner, {
      bind: (...values) => statement(inner.bind(...values)),
      run: <T>() => around(() => inner.run<T>()),
    });
  const LOG_DB = wrap(env.LOG_DB, { prepare: (sql) => statement(env.LOG_DB.prepare(sql)) });
  return { LOG_DB, over: () => Promise.allSettled(statements) };
}

/** A bucket that refuses each object the first k times. */
function bucket(k: number): R2Bucket {
  const tries = new Map<string, number>();
  const put = ((...args: Parameters<R2Bucket["put"]>) => {
    const [key] = args;
    const before = tries.get(key) ?? 0;
    tries.set(key, before + 1);
    return before < k ? Promise.reject(new Error("R2 is down")) : env.MODELS.put(...args);
  }) as R2Bucket["put"];
  return wrap(env.MODELS, { put });
}

function request(i: number): Request {
  if (i % 3 === 1) return new Request(`${HOST}/v1/models`);
  if (i % 3 === 2) return new Request(`${HOST}/health`);
  return new Request(`${HOST}/v1/predictions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...STONE, cut: "Ruby", carat: i }),
  });
}

/** All requests at once; returns the answers, and a promise of all that is done after them. */
async function askAll(bindings: Env) {
  const contexts: ExecutionContext[] = [];
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, async (_, i) => {
      const context = createExecutionContext();
      contexts.push(context);
      const response = await worker.fetch(request(i), bindings, context);
      const id = response.headers.get("x-request-id") ?? "";
      const text = (await response.text()).replaceAll(id, "ID");
      return { id, seen: { status: response.status, type: response.headers.get("content-type"), text } };
    }),
  );
  const ids = answers.map(({ id }) => id).sort();
  const done = Promise.all(contexts.map((context) => waitOnExecutionContext(context)));
  return { ids, seen: answers.map(({ seen }) => seen), done };
}

beforeEach(async () => {
  await env.LOG_DB.prepare("DELETE FROM requests").run();
});

afterEach(() => {
  vi.restoreAllMocks();
});

interface Case {
  readonly fault: Fault;
  /** How often the bucket refuses each object. */
  readonly refusals?: number;
  /** Where the records are before the drain; "both" where they may be in either. */
  readonly where: "table" | "letters" | "both";
  readonly hurry?: number;
}

const CASES: Record<string, Case> = {
  "fails its first call": { fault: failsFirst(1), where: "table" },
  "fails its first 2 calls": { fault: failsFirst(2), where: "table" },
  "fails its first 3 calls": { fault: failsFirst(3), where: "table" },
  "fails its first 4 calls": { fault: failsFirst(4), where: "letters" },
  "fails its first 5 calls": { fault: failsFirst(5), where: "both" },
  "fails always": { fault: failsFirst(Number.POSITIVE_INFINITY), where: "letters" },
  "is slow by 20 s": { fault: slow(20_000), where: "letters", hurry: 8 },
  "fails once after it has committed": { fault: failsAfterCommit(1), where: "table" },
  "fails always after it has committed": { fault: failsAfterCommit(Number.POSITIVE_INFINITY), where: "both" },
  "fails at first, and the bucket always": {
    fault: failsFirst(3),
    refusals: Number.POSITIVE_INFINITY,
    where: "table",
  },
  "fails always, and the bucket twice for each": {
    fault: failsFirst(Number.POSITIVE_INFINITY),
    refusals: 2,
    where: "letters",
  },
};

describe("while the log's database", () => {
  it.each(Object.entries(CASES))("%s, 0 requests are lost and 0 are double", async (_, fault) => {
    const open = Promise.withResolvers<void>();
    const MODELS = bucket(fault.refusals ?? 0);
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
    if (fault.hurry) hurry(fault.hurry);

    // Nothing is written before all are answered: who waited for it would wait for ever.
    const { LOG_DB, over } = logDatabase(fault.fault, open.promise);
    const { ids, seen, done } = await askAll({ ...env, MODELS, LOG_DB });
    open.resolve();
    await done;
    expect(new Set(ids).size).toBe(REQUESTS);

    const [table, kept] = await Promise.all([rows(), letters()]);
    expect([...new Set([...table, ...kept])].sort()).toEqual(ids);
    if (fault.where === "table") expect(table).toEqual(ids);
    if (fault.where === "letters") expect(kept).toEqual(ids);
    expect(lines).toEqual([]);

    vi.restoreAllMocks();
    await over();
    await drainDeadLetters(env);
    expect(await letters()).toEqual([]);
    expect(await rows()).toEqual(ids);

    // The same requests while nothing fails.
    const calm = await askAll(env);
    await calm.done;
    expect(seen).toEqual(calm.seen);
  });

  it("and the bucket fail always, every request is a line of the console", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
    const { LOG_DB } = logDatabase(failsFirst(Number.POSITIVE_INFINITY), Promise.resolve());
    const { ids, done } = await askAll({ ...env, LOG_DB, MODELS: bucket(Number.POSITIVE_INFINITY) });
    await done;
    const records = lines.map((line) => JSON.parse(line).record).filter((record) => record !== undefined);
    expect(records.map(({ id }) => id).sort()).toEqual(ids);
    expect(records.filter(({ status }) => status === 422)).toHaveLength(REQUESTS / 3);
    expect(await rows()).toEqual([]);
  });
});
