/** The log under load and faults: no record is lost, none is there twice. */
import { env } from "cloudflare:workers";
import { v7 as uuidv7 } from "uuid";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import {
  DEAD_LETTER_PREFIX,
  drainDeadLetters,
  REJECTED_PREFIX,
} from "../../../src/request-log/write/dead-letters.ts";
import { writeRecord } from "../../../src/request-log/write/write.ts";
import { call, logged } from "../support/call.ts";
import { faultyDatabase, hurry, lost, wrap } from "../support/faults.ts";
import { ids, letters, sorted } from "../support/log-rows.ts";

function toRecord(changes: Partial<RequestRecord> = {}): RequestRecord {
  const at = Date.now();
  return {
    id: uuidv7({ msecs: at }),
    at,
    method: "GET",
    path: "/health",
    status: 200,
    durationMs: 1.5,
    responseBody: "{}",
    ...changes,
  };
}

const toRecords = (count: number, changes?: Partial<RequestRecord>) =>
  Array.from({ length: count }, () => toRecord(changes));

/** Bindings whose log database does what the fault says at each statement, counted from 1. */
function withFault(fault: (statement: number) => Promise<void>): { bindings: Env; statements: () => number } {
  let statements = 0;
  const LOG_DB = faultyDatabase(env.LOG_DB, () => fault(++statements));
  return { bindings: { ...env, LOG_DB }, statements: () => statements };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
const never = () => new Promise<void>(() => {});

beforeEach(async () => {
  await env.LOG_DB.prepare("DELETE FROM requests").run();
  for (const prefix of [DEAD_LETTER_PREFIX, REJECTED_PREFIX]) {
    await env.MODELS.delete((await letters(prefix)).map((id) => `${prefix}${id}.json`));
  }
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("gathering", () => {
  it("writes the records of overlapping requests with few statements", async () => {
    const { bindings, statements } = withFault(async () => {});
    const records = toRecords(300);
    await Promise.all(records.map((record) => writeRecord(bindings, record)));
    expect(await ids()).toEqual(sorted(records));
    expect(statements()).toBe(1);
  });

  it("lets go of a request only when its own row is there", async () => {
    for (const record of toRecords(5)) {
      await writeRecord(env, record);
      expect(await ids()).toContain(record.id);
    }
  });

  it("keeps statements below what D1 takes", async () => {
    const { bindings, statements } = withFault(async () => {});
    const records = toRecords(40, { requestBody: "x".repeat(40_000) });
    await Promise.all(records.map((record) => writeRecord(bindings, record)));
    expect(await ids()).toEqual(sorted(records));
    expect(statements()).toBe(5);
  });

  it("is taken over where the request that writes is cut off", async () => {
    const { bindings } = withFault(never);
    const first = toRecord();
    void writeRecord(bindings, first);
    await turn();
    const records = toRecords(20);
    await Promise.all(records.map((record) => writeRecord(env, record)));
    expect(await ids()).toEqual(sorted([first, ...records]));
    expect(await letters()).toEqual([]);
  });

  it("is taken over where the request that gathers is cut off", async () => {
    // The 20 ms of the first request never end.
    vi.spyOn(scheduler, "wait").mockImplementationOnce(never);
    const first = toRecord();
    void writeRecord(env, first);
    await turn();
    const records = toRecords(20);
    await Promise.all(records.map((record) => writeRecord(env, record)));
    expect(await ids()).toEqual(sorted([first, ...records]));
  });
});

describe("a record whose request is cut off", () => {
  it("is saved by the one that tried to write it, where the database fails", async () => {
    vi.spyOn(scheduler, "wait").mockImplementationOnce(never);
    const { bindings } = withFault(() => Promise.reject(lost()));
    const puts: string[] = [];
    const MODELS = wrap(env.MODELS, {
      put: ((...args: Parameters<R2Bucket["put"]>) => {
        puts.push(args[0]);
        return env.MODELS.put(...args);
      }) as R2Bucket["put"],
    });
    const first = toRecord();
    void writeRecord(bindings, first);
    await turn();
    const records = toRecords(20);
    await Promise.all(records.map((record) => writeRecord({ ...bindings, MODELS }, record)));
    expect(await letters()).toEqual(sorted([first, ...records]));
    // The others are there: each saves its own, and nobody else does.
    expect(puts).toHaveLength(21);
  });
});

describe("faults", () => {
  it.each<[string, (statement: number) => Promise<void>, "table" | "letters"]>([
    ["fails at first", async (n) => (n <= 2 ? Promise.reject(lost()) : undefined), "table"],
    ["fails always", () => Promise.reject(lost()), "letters"],
    ["is overloaded", () => Promise.reject(new Error("D1_ERROR: D1 DB is overloaded.")), "letters"],
    ["is slow", () => scheduler.wait(4000), "table"],
    ["does not answer", never, "letters"],
  ])("loses nothing where the database %s", { timeout: 60_000 }, async (_, fault, where) => {
    const { bindings } = withFault(fault);
    const records = toRecords(100);
    await Promise.all(records.map((record) => writeRecord(bindings, record)));
    if (where === "table") expect(await ids()).toEqual(sorted(records));
    else expect(await letters()).toEqual(sorted(records));
    await drainDeadLetters(env);
    await drainDeadLetters(env);
    expect(await ids()).toEqual(sorted(records));
    expect(await letters()).toEqual([]);
  });

  it("loses nothing where bucket and database fail: the console has it", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
    const { bindings } = withFault(() => Promise.reject(lost()));
    const MODELS = wrap(env.MODELS, { put: () => Promise.reject(new Error("R2 is down")) });
    const records = toRecords(10);
    await Promise.all(records.map((record) => writeRecord({ ...bindings, MODELS }, record)));
    expect(lines.map((line) => JSON.parse(line).record.id).sort()).toEqual(sorted(records));
  });
});

describe("a bucket that does not answer", () => {
  const MODELS = wrap(env.MODELS, { put: never as unknown as R2Bucket["put"] });

  it("costs a large request its bodies, not its row", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const record = toRecord({ requestBody: "x".repeat(500_000) });
    const start = performance.now();
    await writeRecord({ ...env, MODELS }, record);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(await logged(record.id)).toMatchObject({
      requestBody: "x".repeat(8192),
      bodies: null,
      problem: "its bodies could not be kept: no answer within 3000 ms",
    });
  });

  it("leaves a record that the database did not take to the console", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const record = toRecord();
    await writeRecord({ ...withFault(() => Promise.reject(lost())).bindings, MODELS }, record);
    expect(JSON.parse(error.mock.calls[0]?.[0])).toMatchObject({
      message: "a request could not be logged",
      deadLetter: "no answer within 2000 ms",
      record: { id: record.id },
    });
  });

  it.each([
    ["", {}],
    [" and large bodies", { requestBody: "x".repeat(500_000) }],
  ])("together with database and queue%s: all is over in time", async (_, changes) => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    vi.spyOn(console, "warn").mockImplementation(() => {});
    hurry(8);
    const { bindings } = withFault(never);
    const LOG_QUEUE = { send: () => new Promise<never>(() => {}) } as unknown as Queue<RequestRecord>;
    const first = toRecord(changes);
    const start = Date.now();
    // The second comes while the first is written, and finds nothing that it could take over.
    const others = turn().then(() => writeRecord({ ...bindings, MODELS, LOG_QUEUE }, toRecord(changes)));
    await Promise.all([writeRecord({ ...bindings, MODELS, LOG_QUEUE }, first), others]);
    // 30 s, of which a challenger's price can take 2 before.
    expect(Date.now() - start).toBeLessThan(27_000);
    const ids = error.mock.calls.flatMap(([line]) => JSON.parse(line).record?.id ?? []);
    expect(ids).toHaveLength(2);
    expect(ids).toContain(first.id);
  });
});

describe("large bodies", () => {
  const post = (body: Uint8Array, bindings?: Env) =>
    call(
      "/v1/predictions",
      { method: "POST", headers: { "content-type": "application/json" }, body },
      bindings,
    );

  it.each([
    ["no text", 0xff, "\ufffd"],
    ["NULs", 0, "\u0000"],
    ["text", 0x78, "x"],
  ])("of %s go to the bucket, whole, and the row has their beginning", async (_, byte, character) => {
    const { id, text } = await post(new Uint8Array(1_048_576).fill(byte));
    const row = await env.LOG_DB.prepare("SELECT * FROM requests WHERE id = ?1").bind(id).first();
    expect(row).toMatchObject({
      bodies: `log-bodies/${id}.json`,
      request_body: character.repeat(8192),
      response_body: text,
      status: 400,
    });
    const whole = await logged(id);
    expect(whole?.requestBody).toBe(character.repeat(1_048_576));
  });

  it("leave the row when the bucket fails", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const MODELS = wrap(env.MODELS, { put: () => Promise.reject(new Error("R2 is down")) });
    const { id, status } = await post(new Uint8Array(500_000).fill(0x78), { ...env, MODELS });
    expect(status).toBe(400);
    expect(await logged(id)).toMatchObject({
      requestBody: "x".repeat(8192),
      bodies: null,
      problem: "its bodies could not be kept: R2 is down",
    });
  });

  it("are cut between characters", async () => {
    const { id } = await post(new TextEncoder().encode(`x${"💎".repeat(200_000)}`));
    const row = await env.LOG_DB.prepare("SELECT request_body FROM requests WHERE id = ?1")
      .bind(id)
      .first<{ request_body: string }>();
    expect(row?.request_body.isWellFormed()).toBe(true);
    expect((await logged(id))?.requestBody).toBe(`x${"💎".repeat(200_000)}`);
  });
});
