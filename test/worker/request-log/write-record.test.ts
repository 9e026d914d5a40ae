/** The log while the database, the queue or the bucket fails. No record is lost, none is written twice. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { toDeadLetterKey } from "../../../src/request-log/write/dead-letters.ts";
import { drainDeadLetters } from "../../../src/request-log/write/drain-dead-letters.ts";
import { writeRecord } from "../../../src/request-log/write/write-record.ts";
import worker from "../../../src/worker.ts";
import { createRandom } from "../../support/random.ts";
import { ORIGIN, post, readLogRecord, STONE } from "../support/call.ts";
import { speedUpTime } from "../support/clock.ts";
import { emptyStorage } from "../support/empty-storage.ts";
import { createConnectionLostError, overrideMethods } from "../support/faults.ts";
import {
  createBucketThatCannotWrite,
  createBucketThatNeverAnswers,
  createEnvWithLogFault,
  type LogFault,
  loseConnection,
  waitForever,
} from "../support/request-log/log-faults.ts";
import { createNewRecords, readDeadLetterIds, readLogIds, sortIds } from "../support/request-log/log-rows.ts";

const random = createRandom(29);

const createNewRecord = (changes?: Partial<RequestRecord>) => createNewRecords(1, random, changes)[0]!;

beforeEach(emptyStorage);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("writeRecord", () => {
  it.each<[string, LogFault, "table" | "dead letters", speedUp?: number]>([
    ["fails at first", async (statement) => (statement <= 2 ? loseConnection() : undefined), "table"],
    ["always fails", loseConnection, "dead letters"],
    ["is overloaded", () => Promise.reject(new Error("D1_ERROR: D1 DB is overloaded.")), "dead letters"],
    ["is slow", () => scheduler.wait(4000), "table", 4],
    ["does not answer", waitForever, "dead letters", 4],
  ])("loses no record if the database %s", { timeout: 60_000 }, async (_, fault, expectedPlace, speedUp) => {
    // This changes the global clock, because the Worker takes no time limits as arguments.
    if (speedUp !== undefined) speedUpTime(speedUp);
    const { bindings } = createEnvWithLogFault(fault);
    const records = createNewRecords(100, random);
    await Promise.all(records.map((record) => writeRecord(bindings, record)));
    if (expectedPlace === "table") expect(await readLogIds()).toEqual(sortIds(records));
    else expect(await readDeadLetterIds()).toEqual(sortIds(records));
    await drainDeadLetters(env);
    await drainDeadLetters(env);
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(await readDeadLetterIds()).toEqual([]);
  });

  it("prints the record to the console log if the database and the bucket fail", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
    const { bindings } = createEnvWithLogFault(loseConnection);
    const MODELS = createBucketThatCannotWrite();
    const records = createNewRecords(10, random);
    await Promise.all(records.map((record) => writeRecord({ ...bindings, MODELS }, record)));
    expect(lines.map((line) => JSON.parse(line).record.id).sort()).toEqual(sortIds(records));
  });

  it("prints the record to the console log if the database fails and the bucket does not answer", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    speedUpTime(4);
    const record = createNewRecord();
    const { bindings } = createEnvWithLogFault(loseConnection);
    await writeRecord({ ...bindings, MODELS: createBucketThatNeverAnswers() }, record);
    expect(JSON.parse(error.mock.calls[0]?.[0])).toMatchObject({
      message: "request not logged: database and bucket failed",
      deadLetter: "no answer within 2000 ms",
      record: { id: record.id },
    });
  });

  it.each([
    ["small", {}],
    ["large", { requestBody: "x".repeat(500_000) }],
  ])("ends in time if nothing answers and the bodies are %s", async (_, changes) => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    vi.spyOn(console, "warn").mockImplementation(() => {});
    // This changes the global clock, because the test measures the time limits of all stages together.
    speedUpTime(8);
    const writing = Promise.withResolvers<void>();
    const { bindings } = createEnvWithLogFault(() => {
      writing.resolve();
      return waitForever();
    });
    const LOG_QUEUE = { send: waitForever } as unknown as Queue<RequestRecord>;
    const failing = { ...bindings, MODELS: createBucketThatNeverAnswers(), LOG_QUEUE };
    const measureWrite = async (record: RequestRecord): Promise<number> => {
      const startedAt = Date.now();
      await writeRecord(failing, record);
      return Date.now() - startedAt;
    };
    const [first, second] = createNewRecords(2, random, changes);
    const firstMs = measureWrite(first!);
    // The second request starts while the first one writes, and tries to write both records later.
    await writing.promise;
    const secondMs = measureWrite(second!);
    // The limit is 30 s, and a shadow prediction can take 2 s before.
    expect(await firstMs).toBeLessThan(27_000);
    expect(await secondMs).toBeLessThan(27_000);
    const ids = error.mock.calls.flatMap(([line]) => JSON.parse(line).record?.id ?? []);
    expect(ids.toSorted()).toEqual(sortIds([first!, second!]));
  });
});

const INVALID_STONE = { ...STONE, cut: "Ruby" };

/** Bindings whose log database fails for the first statements. */
function createEnvThatFailsFirst(count: number, createError = createConnectionLostError): Env {
  return createEnvWithLogFault(async (statement) => {
    if (statement <= count) throw createError();
  }).bindings;
}

async function readDeadLetter(id: string): Promise<RequestRecord | null> {
  const object = await env.MODELS.get(toDeadLetterKey(id));
  return object === null ? null : object.json<RequestRecord>();
}

describe("a request", () => {
  it("is logged in the table if the database fails only for a moment", async () => {
    const answer = await post("/v1/predictions", INVALID_STONE, createEnvThatFailsFirst(2));
    expect(answer.status).toBe(422);
    expect(await readLogRecord(answer.id)).toMatchObject({ status: 422 });
    expect(await readDeadLetter(answer.id)).toBeNull();
  });

  it("is logged once if the database fails after it has committed the row", async () => {
    let calls = 0;
    const LOG_DB = overrideMethods(env.LOG_DB, {
      prepare: (sql: string) => {
        const statement = env.LOG_DB.prepare(sql);
        return overrideMethods(statement, {
          bind: (...values: unknown[]) => {
            const bound = statement.bind(...values);
            return overrideMethods(bound, {
              run: async <T>() => {
                const result = await bound.run<T>();
                if (calls++ === 0) throw createConnectionLostError();
                return result;
              },
            });
          },
        });
      },
    });
    const answer = await post("/v1/predictions", INVALID_STONE, { ...env, LOG_DB });
    expect(calls).toBe(2);
    expect(await readLogRecord(answer.id)).toMatchObject({ status: 422 });
    expect(await readDeadLetter(answer.id)).toBeNull();
  });

  it.each([
    ["always fails", () => createEnvThatFailsFirst(Number.POSITIVE_INFINITY)],
    [
      "fails with an error that no retry can fix",
      () => createEnvThatFailsFirst(1, () => new Error("D1_ERROR: table requests has no column named x")),
    ],
    [
      "is overloaded",
      () =>
        createEnvThatFailsFirst(
          1,
          () => new Error("D1_ERROR: D1 DB is overloaded. Too many requests queued."),
        ),
    ],
  ])("becomes a dead-letter record if the database %s", async (_, createBindings) => {
    const answer = await post("/v1/predictions", INVALID_STONE, createBindings());
    expect(answer.status).toBe(422);
    expect(await readLogRecord(answer.id)).toBeUndefined();
    expect(await readDeadLetter(answer.id)).toMatchObject({
      id: answer.id,
      status: 422,
      path: "/v1/predictions",
      requestBody: JSON.stringify(INVALID_STONE),
      responseBody: answer.text,
    });
  });

  it("is printed to the console log if the database and the bucket fail", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
    const bindings = { ...createEnvThatFailsFirst(9), MODELS: createBucketThatCannotWrite() };
    const answer = await post("/v1/predictions", INVALID_STONE, bindings);
    expect(answer.status).toBe(422);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      message: "request not logged: database and bucket failed",
      deadLetter: "R2 is down",
      record: { id: answer.id, status: 422 },
    });
  });

  it("is answered before its record is written", async () => {
    const answered = Promise.withResolvers<void>();
    const { bindings } = createEnvWithLogFault(() => answered.promise);
    const context = createExecutionContext();
    const request = new Request(`${ORIGIN}/v1/predictions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(INVALID_STONE),
    });
    const response = await worker.fetch(request, bindings, context);
    await response.text();
    const id = response.headers.get("x-request-id") ?? "";
    expect(await readLogRecord(id)).toBeUndefined();
    answered.resolve();
    await waitOnExecutionContext(context);
    expect(await readLogRecord(id)).toMatchObject({ status: 422 });
  });
});
