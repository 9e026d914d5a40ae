/**
 * Sends 300 overlapping requests, a third of them invalid, while the database or the bucket of the log fails.
 * The callers get the same answers as usual. No request is lost: after the drain, each is in the database
 * once.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { drainDeadLetters } from "../../../src/request-log/write/drain-dead-letters.ts";
import worker from "../../../src/worker.ts";
import { ORIGIN, STONE } from "../support/call.ts";
import { speedUpTime } from "../support/clock.ts";
import { emptyStorage } from "../support/empty-storage.ts";
import { overrideMethods } from "../support/faults.ts";
import { loseConnection } from "../support/request-log/log-faults.ts";
import { readDeadLetterIds, readLogIds } from "../support/request-log/log-rows.ts";

const REQUEST_COUNT = 300;

/** Runs a statement of the database, or fails. It gets the number of the statement, from 1. */
type Fault = (statement: number, run: () => Promise<unknown>) => Promise<unknown>;

const failFirst =
  (count: number): Fault =>
  (statement, run) =>
    statement <= count ? loseConnection() : run();
const failAfterCommit =
  (count: number): Fault =>
  async (statement, run) => {
    const result = await run();
    return statement <= count ? loseConnection() : result;
  };
const delay =
  (ms: number): Fault =>
  async (_, run) => {
    await scheduler.wait(ms);
    return run();
  };

/**
 * Creates a log database with a fault in each statement that writes. The statements start when `start`
 * resolves. `waitForStatements` waits for all of them, also for those that the Worker stopped waiting for.
 */
function createDatabaseWithFault(fault: Fault, start: Promise<void>) {
  const statements: Promise<unknown>[] = [];
  const runStatement = <T>(run: () => Promise<T>): Promise<T> => {
    const statement = statements.length + 1;
    const result = start.then(() => fault(statement, run)) as Promise<T>;
    statements.push(result);
    return result;
  };
  const wrapStatement = (statement: D1PreparedStatement): D1PreparedStatement =>
    overrideMethods(statement, {
      bind: (...values) => wrapStatement(statement.bind(...values)),
      run: <T>() => runStatement(() => statement.run<T>()),
    });
  const LOG_DB = overrideMethods(env.LOG_DB, { prepare: (sql) => wrapStatement(env.LOG_DB.prepare(sql)) });
  return { LOG_DB, waitForStatements: () => Promise.allSettled(statements) };
}

/** Creates a bucket that fails the first attempts to write each object. */
function createFailingBucket(failuresPerObject: number): R2Bucket {
  const attempts = new Map<string, number>();
  const put = ((...args: Parameters<R2Bucket["put"]>) => {
    const [key] = args;
    const previousAttempts = attempts.get(key) ?? 0;
    attempts.set(key, previousAttempts + 1);
    return previousAttempts < failuresPerObject
      ? Promise.reject(new Error("R2 is down"))
      : env.MODELS.put(...args);
  }) as R2Bucket["put"];
  return overrideMethods(env.MODELS, { put });
}

function createRequest(i: number): Request {
  if (i % 3 === 1) return new Request(`${ORIGIN}/v1/models`);
  if (i % 3 === 2) return new Request(`${ORIGIN}/health`);
  return new Request(`${ORIGIN}/v1/predictions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...STONE, cut: "Ruby", carat: i }),
  });
}

/** Sends all requests at once. Returns their ids and answers, and a promise of the work after the answers. */
async function sendRequests(bindings: Env) {
  const contexts: ExecutionContext[] = [];
  const results = await Promise.all(
    Array.from({ length: REQUEST_COUNT }, async (_, i) => {
      const context = createExecutionContext();
      contexts.push(context);
      const response = await worker.fetch(createRequest(i), bindings, context);
      const id = response.headers.get("x-request-id") ?? "";
      const text = (await response.text()).replaceAll(id, "ID");
      return { id, answer: { status: response.status, type: response.headers.get("content-type"), text } };
    }),
  );
  const ids = results.map(({ id }) => id).sort();
  const done = Promise.all(contexts.map((context) => waitOnExecutionContext(context)));
  return { ids, answers: results.map(({ answer }) => answer), done };
}

beforeEach(emptyStorage);

afterEach(() => {
  vi.restoreAllMocks();
});

interface Case {
  readonly fault: Fault;
  /** How often the bucket fails for each object. */
  readonly bucketFailures?: number;
  /** Where the records are before the drain. */
  readonly place: "table" | "dead letters" | "either";
  readonly speedUp?: number;
}

const CASES: Record<string, Case> = {
  "the database fails once": { fault: failFirst(1), place: "table" },
  "the database fails twice": { fault: failFirst(2), place: "table" },
  "the database fails 3 times": { fault: failFirst(3), place: "table" },
  "the database fails 4 times": { fault: failFirst(4), place: "dead letters" },
  "the database fails 5 times": { fault: failFirst(5), place: "either" },
  "the database always fails": { fault: failFirst(Number.POSITIVE_INFINITY), place: "dead letters" },
  "the database takes 20 s": { fault: delay(20_000), place: "dead letters", speedUp: 4 },
  "the database fails once after a commit": { fault: failAfterCommit(1), place: "table" },
  "the database always fails after its commits": {
    fault: failAfterCommit(Number.POSITIVE_INFINITY),
    place: "either",
  },
  "the database fails 3 times and the bucket always": {
    fault: failFirst(3),
    bucketFailures: Number.POSITIVE_INFINITY,
    place: "table",
  },
  "the database always fails and the bucket twice for each object": {
    fault: failFirst(Number.POSITIVE_INFINITY),
    bucketFailures: 2,
    place: "dead letters",
  },
};

describe("the request log", () => {
  it.each(Object.entries(CASES))("loses and duplicates no request if %s", async (_, testCase) => {
    const { fault, bucketFailures = 0, place, speedUp } = testCase;
    const start = Promise.withResolvers<void>();
    const MODELS = createFailingBucket(bucketFailures);
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
    // This changes the global clock, because the Worker takes no time limits as arguments.
    if (speedUp) speedUpTime(speedUp);

    // The database writes only after all answers. A request that waited for its record would never end.
    const { LOG_DB, waitForStatements } = createDatabaseWithFault(fault, start.promise);
    const { ids, answers, done } = await sendRequests({ ...env, MODELS, LOG_DB });
    start.resolve();
    await done;
    expect(new Set(ids).size).toBe(REQUEST_COUNT);

    const [logged, saved] = await Promise.all([readLogIds(), readDeadLetterIds()]);
    expect([...new Set([...logged, ...saved])].sort()).toEqual(ids);
    if (place === "table") expect(logged).toEqual(ids);
    if (place === "dead letters") expect(saved).toEqual(ids);
    expect(lines).toEqual([]);

    vi.restoreAllMocks();
    await waitForStatements();
    await drainDeadLetters(env);
    expect(await readDeadLetterIds()).toEqual([]);
    expect(await readLogIds()).toEqual(ids);

    const withoutFault = await sendRequests(env);
    await withoutFault.done;
    expect(answers).toEqual(withoutFault.answers);
  });

  it("prints every request to the console log if the database and the bucket always fail", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
    const { LOG_DB } = createDatabaseWithFault(failFirst(Number.POSITIVE_INFINITY), Promise.resolve());
    const MODELS = createFailingBucket(Number.POSITIVE_INFINITY);
    const { ids, done } = await sendRequests({ ...env, LOG_DB, MODELS });
    await done;
    const records = lines.map((line) => JSON.parse(line).record).filter((record) => record !== undefined);
    expect(records.map(({ id }) => id).sort()).toEqual(ids);
    expect(records.filter(({ status }) => status === 422)).toHaveLength(REQUEST_COUNT / 3);
    expect(await readLogIds()).toEqual([]);
  });
});
