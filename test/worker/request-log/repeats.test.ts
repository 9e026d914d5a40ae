/** Repeated requests that share a row of the log. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { insertRequests, type RequestRecord } from "../../../src/db/request-log/requests.ts";
import { countTraffic } from "../../../src/db/request-log/rollups.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/lib/time.ts";
import { countRepeat } from "../../../src/request-log/write/count-repeat.ts";
import { drainDeadLetters } from "../../../src/request-log/write/drain-dead-letters.ts";
import { writeRecord } from "../../../src/request-log/write/write-record.ts";
import worker from "../../../src/worker.ts";
import { createRandom } from "../../support/random.ts";
import { call, ORIGIN, readLogRecord } from "../support/call.ts";
import { emptyStorage } from "../support/empty-storage.ts";
import { overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";
import { createEnvWithLogFault, waitForever } from "../support/request-log/log-faults.ts";
import { createRecord, readDeadLetterIds } from "../support/request-log/log-rows.ts";

const random = createRandom(41);

/** Bindings in deployed mode whose limiters refuse every request. */
const limit = async () => ({ success: false });
const REFUSING = {
  ...ENV_WITH_KEYS,
  RATE_LIMITS: "on",
  ADDRESS_LIMIT: overrideMethods(env.ADDRESS_LIMIT, { limit }),
  KEY_LIMIT: overrideMethods(env.KEY_LIMIT, { limit }),
} as unknown as Env;

/** The tests turn rate limits off by default (vitest.config.ts). */
const LIMITED = { ...ENV_WITH_KEYS, RATE_LIMITS: "on" } as unknown as Env;

async function readRows() {
  const { results } = await env.LOG_DB.prepare(
    "SELECT id, path, status, repeats FROM requests ORDER BY id",
  ).all<Pick<RequestRecord, "id" | "path" | "status" | "repeats">>();
  return results;
}

/** Sends requests at once and waits for their records. Returns their ids. */
async function sendAll(
  count: number,
  path: string,
  headers: Record<string, string>,
  bindings: Env,
): Promise<string[]> {
  const context = createExecutionContext();
  const ids = await Promise.all(
    Array.from({ length: count }, async () => {
      const response = await worker.fetch(new Request(`${ORIGIN}${path}`, { headers }), bindings, context);
      await response.text();
      return response.headers.get("x-request-id") ?? "";
    }),
  );
  await waitOnExecutionContext(context);
  return ids;
}

const fromAddress = () => ({ "cf-connecting-ip": `address ${crypto.randomUUID()}` });

beforeEach(emptyStorage);

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("refusals of one caller by a rate limit", () => {
  it("share a row that counts them, and each answer has its own id", async () => {
    const headers = fromAddress();
    const ids = [
      ...(await sendAll(40, `/v1/models?${"q".repeat(5_000)}`, headers, REFUSING)),
      ...(await sendAll(60, "/v1/models", headers, REFUSING)),
    ];
    expect(new Set(ids).size).toBe(100);
    const rows = await readRows();
    expect(rows).toEqual([{ id: expect.any(String), path: "/v1/models", status: 429, repeats: 99 }]);
    expect(ids).toContain(rows[0]?.id);
    const stored = JSON.stringify(await readLogRecord(rows[0]!.id));
    expect(stored).not.toContain(headers["cf-connecting-ip"]);
  });

  it("have a row for each caller, endpoint, and kind of limit", async () => {
    const key = await createKey(crypto.randomUUID(), ["predict"]);
    const [first, second] = [fromAddress(), fromAddress()];
    await sendAll(3, "/v1/models", first, REFUSING);
    await sendAll(3, "/v1/predictions", first, REFUSING);
    await sendAll(3, "/v1/models", second, REFUSING);
    await sendAll(3, "/v1/models", { ...first, ...createAuthorizationHeader(key) }, REFUSING);
    await sendAll(3, "/v1/models", { ...second, ...createAuthorizationHeader(key) }, REFUSING);
    expect((await readRows()).map(({ repeats }) => repeats)).toEqual([2, 2, 2, 5]);
  });

  it("begin a new row after a minute", async () => {
    const headers = fromAddress();
    vi.setSystemTime(Date.now());
    await sendAll(2, "/v1/models", headers, REFUSING);
    vi.setSystemTime(Date.now() + MINUTE_MS - 1);
    await sendAll(2, "/v1/models", headers, REFUSING);
    vi.setSystemTime(Date.now() + 1);
    await sendAll(2, "/v1/models", headers, REFUSING);
    expect((await readRows()).map(({ repeats }) => repeats)).toEqual([3, 1]);
  });

  it("are never shared with answers to a caller within its limit", async () => {
    const ids = await sendAll(20, "/v1/models", fromAddress(), ENV_WITH_KEYS);
    expect((await readRows()).map(({ id }) => id)).toEqual(ids.toSorted());
  });

  it("count as requests in the API and in the hourly counts", async () => {
    await sendAll(50, "/v1/models", fromAddress(), REFUSING);
    const headers = createAuthorizationHeader(await createKey(crypto.randomUUID(), ["admin"]));
    const [row] = await readRows();
    const found = await call(`/v1/requests/${row?.id}`, { headers }, ENV_WITH_KEYS);
    expect(JSON.parse(found.text)).toMatchObject({ status: 429, repeats: 49 });
    const csv = await call("/v1/requests/export?status=429", { headers }, ENV_WITH_KEYS);
    expect(csv.text.split("\r\n")[0]).toMatch(/,repeats$/);
    expect(csv.text.split("\r\n")[1]).toMatch(/,49$/);
    const traffic = await countTraffic(env.LOG_DB, Math.floor(Date.now() / HOUR_MS));
    expect(traffic.find(({ status }) => status === 429)).toMatchObject({
      route: "/v1/models",
      requests: 50,
    });
  });

  it("cannot be looked up by their own ids, and the 404 says why", async () => {
    const ids = await sendAll(2, "/v1/models", fromAddress(), REFUSING);
    const [row] = await readRows();
    const counted = ids.find((id) => id !== row?.id);
    const headers = createAuthorizationHeader(await createKey(crypto.randomUUID(), ["admin"]));
    const answer = await call(`/v1/requests/${counted}`, { headers }, ENV_WITH_KEYS);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text).detail).toContain("A repeated request");
  });
});

describe("requests to /health", () => {
  it("of one caller share a row from the 201st of a minute on", async () => {
    vi.setSystemTime(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS);
    const headers = fromAddress();
    const ids = await sendAll(200, "/health", headers, LIMITED);
    expect((await readRows()).map(({ id }) => id)).toEqual(ids.toSorted());
    await sendAll(50, "/health", headers, LIMITED);
    await sendAll(1, "/health", fromAddress(), LIMITED);
    const repeats = (await readRows()).map((row) => row.repeats);
    expect(repeats.filter((count) => count !== null)).toEqual([49]);
    expect(repeats).toHaveLength(202);
    vi.setSystemTime(Date.now() + MINUTE_MS);
    await sendAll(2, "/health", headers, LIMITED);
    expect(await readRows()).toHaveLength(204);
  });

  it("have a row each if rate limits are off", async () => {
    const ids = await sendAll(250, "/health", fromAddress(), ENV_WITH_KEYS);
    expect((await readRows()).map(({ id }) => id)).toEqual(ids.toSorted());
  });
});

describe("a row of repeated requests", () => {
  it("has the highest number, in whatever order the numbers arrive", async () => {
    const first = createRecord(Date.now(), random);
    const withRepeats = (repeats: number | null) => ({ ...first, repeats });
    await insertRequests(env.LOG_DB, [withRepeats(3), withRepeats(7), withRepeats(5)]);
    await insertRequests(env.LOG_DB, [withRepeats(6)]);
    await insertRequests(env.LOG_DB, [withRepeats(null)]);
    expect(await readRows()).toMatchObject([{ id: first.id, repeats: 7 }]);
    await insertRequests(env.LOG_DB, [withRepeats(8), withRepeats(null)]);
    expect(await readRows()).toMatchObject([{ id: first.id, repeats: 8 }]);
  });

  it("is written for a refusal whose request was stopped, by the next one", async () => {
    const { bindings } = createEnvWithLogFault(waitForever);
    const key = crypto.randomUUID();
    const records = Array.from({ length: 20 }, () => createRecord(Date.now(), random));
    // The first request writes the row, and its statement never ends.
    void writeRecord(bindings, records[0]!, { repeatKey: key });
    await Promise.all(records.slice(1).map((record) => writeRecord(env, record, { repeatKey: key })));
    expect(await readRows()).toMatchObject([{ id: records[0]?.id, repeats: 19 }]);
  });

  it("counts a request that comes while the row is being written", async () => {
    const answer = Promise.withResolvers<void>();
    const isWriting = Promise.withResolvers<void>();
    const startedFirst = Promise.withResolvers<void>();
    const { bindings } = createEnvWithLogFault((statement) => {
      (statement === 1 ? startedFirst : isWriting).resolve();
      return answer.promise;
    });
    const repeatKey = crypto.randomUUID();
    const records = Array.from({ length: 3 }, () => createRecord(Date.now(), random));
    const first = writeRecord(bindings, records[0]!, { repeatKey });
    await startedFirst.promise;
    const second = writeRecord(bindings, records[1]!, { repeatKey });
    await isWriting.promise;
    const third = writeRecord(env, records[2]!, { repeatKey });
    answer.resolve();
    await Promise.all([first, second, third]);
    expect(await readRows()).toMatchObject([{ id: records[0]?.id, repeats: 2 }]);
  });

  it("takes one place in a batch, however many requests it counts", async () => {
    const statements: string[] = [];
    const LOG_DB = overrideMethods(env.LOG_DB, {
      prepare: (sql: string) => {
        const statement = env.LOG_DB.prepare(sql);
        return overrideMethods(statement, {
          bind: (...values: unknown[]) => {
            statements.push(String(values[0]));
            return statement.bind(...values);
          },
        });
      },
    });
    const key = crypto.randomUUID();
    const records = Array.from({ length: 500 }, () => createRecord(Date.now(), random));
    await Promise.all(records.map((record) => writeRecord({ ...env, LOG_DB }, record, { repeatKey: key })));
    expect(statements.map((json) => JSON.parse(json).length)).toEqual([2]);
    expect(await readRows()).toMatchObject([{ id: records[0]?.id, repeats: 499 }]);
  });

  it("waits as dead-letter records with their numbers while the database fails", async () => {
    const { bindings } = createEnvWithLogFault(() => Promise.reject(new Error("D1 DB is overloaded")));
    const key = crypto.randomUUID();
    const records = Array.from({ length: 6 }, () => createRecord(Date.now(), random));
    for (let i = 0; i < 6; i += 3)
      await Promise.all(
        records.slice(i, i + 3).map((record) => writeRecord(bindings, record, { repeatKey: key })),
      );
    const id = records[0]?.id;
    expect(await readDeadLetterIds()).toEqual([`${id}-2`, `${id}-5`, id]);
    await drainDeadLetters(env);
    expect(await readDeadLetterIds()).toEqual([]);
    expect(await readRows()).toMatchObject([{ id, repeats: 5 }]);
  });
});

describe("countRepeat", () => {
  it("remembers a limited number of callers", () => {
    const prefix = crypto.randomUUID();
    const count = (i: number) => countRepeat(`${prefix} ${i}`, createRecord(Date.now(), random)).repeats;
    for (let i = 0; i <= 1_000; i++) expect(count(i)).toBeNull();
    // The first caller was forgotten, which makes room by forgetting the second. The newest are known.
    expect(count(0)).toBeNull();
    expect(count(1_000)).toBe(1);
  });
});
