import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { insertOutcome } from "../../../src/db/request-log/outcomes.ts";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { rollUp } from "../../../src/monitoring/rollup.ts";
import { archiveOldDays } from "../../../src/request-log/archive/archive.ts";
import { deleteExpiredErasedIds } from "../../../src/request-log/erase.ts";
import { drainDeadLetters, saveDeadLetter } from "../../../src/request-log/write/dead-letters.ts";
import { call, logged, post, type Refusal, STONE } from "../support/call.ts";
import { empty } from "../support/empty-databases.ts";
import { wrap } from "../support/faults.ts";
import { bearer, makeKey } from "../support/keys.ts";
import { generator, idAt, insert, row } from "../support/log-rows.ts";
import { point, publish } from "../support/registry.ts";

const DAY = 86_400_000;
const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 20, 9, 30);
const day = (ago: number) => Date.UTC(2026, 10, 20) - ago * DAY;

let random: () => number;
let clock: number;

beforeEach(async () => {
  await empty();
  random = generator(3);
  clock = NOW;
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Requests spread over a day, with bodies of all sorts. */
function requestsOf(ago: number, count: number): RequestRecord[] {
  return Array.from({ length: count }, (_, i) =>
    row(day(ago) + Math.floor((i * DAY) / count), random, {
      requestBody: i % 3 === 0 ? `{"n":${i},"text":"é\u2028💎\\n\\u0000"}` : null,
      responseBody: "x".repeat(i % 200),
      price: i % 2 === 0 ? i / 7 : null,
      durationMs: i / 13,
      caller: i % 5 === 0 ? "shop" : null,
    }),
  );
}

interface Archived {
  readonly key: string;
  readonly rows: RequestRecord[];
}

/** What lies in the archive, read by other means than the Worker's. */
async function readArchive(): Promise<Archived[]> {
  const parts: Archived[] = [];
  const { objects, truncated } = await env.MODELS.list({ prefix: "log-archive/" });
  expect(truncated).toBe(false);
  for (const { key } of objects) {
    const object = await env.MODELS.get(key);
    const text = await new Response(object?.body.pipeThrough(new DecompressionStream("gzip"))).text();
    const lines = text.split("\n");
    expect(lines.pop()).toBe("");
    parts.push({ key, rows: lines.map((line) => JSON.parse(line)) });
  }
  return parts;
}

async function readTable(): Promise<string[]> {
  const { results } = await env.LOG_DB.prepare("SELECT id FROM requests ORDER BY id").all<{ id: string }>();
  return results.map(({ id }) => id);
}

const sorted = (ids: Iterable<string>) => [...ids].sort();

/** Every request is in the table or in one part, whatever happened; in both only as long as a run is under way. */
async function expectNothingLost(all: readonly RequestRecord[]) {
  const archived = (await readArchive()).flatMap(({ rows }) => rows.map(({ id }) => id));
  expect(new Set(archived).size).toBe(archived.length);
  expect(sorted(new Set([...archived, ...(await readTable())]))).toEqual(sorted(all.map(({ id }) => id)));
}

/** Bindings that are cut off at the k-th call: before it is done, or after. */
function cutOff(k: number, after: boolean) {
  let calls = 0;
  const guard = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    calls++;
    if (calls > k || (calls === k && !after)) throw new Error("the run was cut off");
    const result = await work();
    if (calls === k) throw new Error("the run was cut off");
    return result;
  };
  const statement = (inner: D1PreparedStatement): D1PreparedStatement =>
    wrap(inner, {
      bind: (...values: unknown[]) => statement(inner.bind(...values)),
      run: <T>() => guard(() => inner.run<T>()),
      all: <T>() => guard(() => inner.all<T>()),
      first: (<T>() => guard(() => inner.first<T>())) as D1PreparedStatement["first"],
    });
  const bindings = {
    ...env,
    LOG_DB: wrap(env.LOG_DB, { prepare: (sql: string) => statement(env.LOG_DB.prepare(sql)) }),
    MODELS: wrap(env.MODELS, {
      put: ((...args: Parameters<R2Bucket["put"]>) =>
        guard(() => env.MODELS.put(...args))) as R2Bucket["put"],
      get: ((key: string) => guard(() => env.MODELS.get(key))) as R2Bucket["get"],
      list: (options) => guard(() => env.MODELS.list(options)),
    }),
  };
  return { bindings, calls: () => calls };
}

/** Runs until there is nothing to do, each run when the lease of the one before has ended. */
async function archiveAll(): Promise<number> {
  let moved = 0;
  for (;;) {
    clock += 21 * MINUTE;
    const rows = await archiveOldDays(env, clock);
    if (rows === 0) return moved;
    moved += rows;
  }
}

describe("archive", () => {
  it("moves whole days that are older than the log is kept, as they were", async () => {
    const old = [...requestsOf(91, 1500), ...requestsOf(92, 10), ...requestsOf(200, 3)];
    const kept = [...requestsOf(90, 20), ...requestsOf(0, 20)];
    await insert([...old, ...kept]);
    expect(await archiveOldDays(env, NOW)).toBe(1513);
    expect(await readTable()).toEqual(sorted(kept.map(({ id }) => id)));

    const parts = await readArchive();
    expect(parts.map(({ key }) => key.slice(0, 23))).toEqual([
      "log-archive/2026/05/04/",
      "log-archive/2026/08/20/",
      "log-archive/2026/08/21/",
    ]);
    for (const { key } of parts) expect(key).toMatch(/\.ndjson\.gz$/);
    const byId = (a: RequestRecord, b: RequestRecord) => (a.id < b.id ? -1 : 1);
    expect(parts.flatMap(({ rows }) => rows).sort(byId)).toEqual(old.toSorted(byId));
    expect(await archiveOldDays(env, NOW)).toBe(0);
  });

  it("splits a large day into parts", async () => {
    const all = requestsOf(95, 45_000);
    await insert(all);
    expect(await archiveAll()).toBe(45_000);
    const parts = await readArchive();
    expect(parts.map(({ rows }) => rows.length)).toEqual([20_000, 20_000, 5000]);
    await expectNothingLost(all);
    expect(await readTable()).toEqual([]);
  });

  it("splits a day of large bodies by their size", async () => {
    const large = Array.from({ length: 100 }, (_, i) =>
      row(day(95) + i, random, { requestBody: String(random()).repeat(14_000).slice(0, 250_000) }),
    );
    for (let i = 0; i < large.length; i += 5) await insert(large.slice(i, i + 5));
    expect(await archiveAll()).toBe(100);
    const parts = await readArchive();
    expect(parts.length).toBe(2);
    await expectNothingLost(large);
  });

  it.each([false, true])("cut off anywhere, the next run goes on (after the call: %s)", async (after) => {
    const all = [...requestsOf(93, 2500), ...requestsOf(92, 1200), ...requestsOf(91, 3)];
    await insert(all);
    let k = 1;
    for (;;) {
      clock += 21 * MINUTE;
      const { bindings, calls } = cutOff(k, after);
      const result = await archiveOldDays(bindings, clock).catch((error: Error) => error.message);
      await expectNothingLost(all);
      if (result === 0) break;
      expect(calls()).toBeGreaterThanOrEqual(Math.min(k, 2));
      // Each run gets a little further than the one before.
      k++;
    }
    expect(k).toBeGreaterThan(10);
    expect(await readTable()).toEqual([]);
    expect((await readArchive()).flatMap(({ rows }) => rows)).toHaveLength(all.length);
  });

  it("goes on from every moment of a run", async () => {
    const { bindings, calls } = cutOff(Number.POSITIVE_INFINITY, false);
    const all = [...requestsOf(93, 2500), ...requestsOf(92, 700)];
    await insert(all);
    await archiveOldDays(bindings, clock);
    const total = calls();
    expect(total).toBeGreaterThan(15);
    for (let k = 1; k <= total; k += 2) {
      await env.MODELS.delete(
        (await env.MODELS.list({ prefix: "log-archive/" })).objects.map(({ key }) => key),
      );
      await insert(all);
      clock += 21 * MINUTE;
      await archiveOldDays(cutOff(k, k % 4 === 1).bindings, clock).catch(() => {});
      await expectNothingLost(all);
      await archiveAll();
      await expectNothingLost(all);
      expect(await readTable()).toEqual([]);
    }
  });

  it("does not delete what it did not read back", async () => {
    const all = requestsOf(91, 50);
    await insert(all);
    const MODELS = wrap(env.MODELS, {
      put: (async (key: string, value: ArrayBuffer, options: R2PutOptions) =>
        env.MODELS.put(key, value.slice(0, -30), options)) as unknown as R2Bucket["put"],
    });
    await expect(archiveOldDays({ ...env, MODELS }, NOW)).rejects.toThrow();
    expect(await readTable()).toHaveLength(50);
  });

  it("takes rows that come late into a part of their own", async () => {
    const all = requestsOf(91, 100);
    await insert(all.slice(0, 60));
    await archiveAll();
    await insert(all.slice(40));
    await archiveAll();
    expect((await readArchive()).map(({ rows }) => rows.length).sort()).toEqual([40, 60]);
    await expectNothingLost(all);
  });

  it("takes the day from the id, and sets aside rows whose id has none", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const all = requestsOf(95, 100);
    // Among those of the day, below all, above all; and one whose time says something else than its id.
    const odd = ["019ae", `${all[50]?.id}x`, "0' OR 1=1/../é", "0".repeat(1500), "zzz"].map((id) => ({
      ...row(day(95), random),
      id,
    }));
    const strange = { ...all[7]!, at: day(0) };
    await insert([...all.toSpliced(7, 1, strange), ...odd]);
    await archiveAll();
    expect(await readTable()).toEqual([]);
    const parts = await readArchive();
    expect(parts.map(({ key }) => key.slice(0, 23))).toEqual(["log-archive/2026/08/17/"]);
    expect(parts.flatMap(({ rows }) => rows)).toEqual(all.toSpliced(7, 1, strange));
    const { objects } = await env.MODELS.list({ prefix: "log-rejected/" });
    const aside = await Promise.all(
      objects.map(async ({ key }) => (await env.MODELS.get(key))?.json<RequestRecord>()),
    );
    expect(sorted(aside.map((one) => one?.id ?? ""))).toEqual(sorted(odd.map(({ id }) => id)));
  });

  it("is done by one run at a time", async () => {
    const all = requestsOf(91, 3000);
    await insert(all);
    const moved = await Promise.all([1, 2, 3].map(() => archiveOldDays(env, NOW)));
    expect(moved.sort((a, b) => a - b)).toEqual([0, 0, 3000]);
    await expectNothingLost(all);
  });

  it.each(["", "0", "-1", "ninety", "1.5"])("deletes nothing where the time is %j", async (days) => {
    await insert(requestsOf(400, 5));
    await expect(archiveOldDays({ ...env, LOG_RETENTION_DAYS: days } as unknown as Env, NOW)).rejects.toThrow(
      /LOG_RETENTION_DAYS/,
    );
    expect(await readTable()).toHaveLength(5);
  });

  it("leaves what was counted, also where the hour is counted again", async () => {
    const bindings = { ...env, LOG_RETENTION_DAYS: "2" } as unknown as Env;
    const hour = (at: number) => Math.floor(at / (60 * MINUTE));
    const counted = async (kind: string) => {
      const { results } = await env.LOG_DB.prepare("SELECT * FROM rollups").all();
      return results.filter((one) => one.kind === kind);
    };
    const countAll = async (now: number) => {
      while ((await rollUp(bindings, now)) > 1);
    };
    await insert(requestsOf(3, 100).map((one) => ({ ...one, route: "/v1/models", path: "/v1/models" })));
    await countAll(NOW);
    const before = await counted("latency");
    expect(before.length).toBe(24);
    while ((await archiveOldDays(bindings, clock)) > 0);
    expect(await readTable()).toEqual([]);

    const tell = (told: number, price: number) =>
      insertOutcome(env.LOG_DB, {
        prediction: "p",
        item: 0,
        id: idAt(told, random),
        at: told,
        price,
        soldAt: null,
        caller: null,
        predicted: 1000,
        model: "steep",
        modelVersion: 1,
      });
    // A late record, and an outcome that was told in that hour: outcomes stay in the table.
    const at = day(3) + MINUTE;
    await insert([row(at, random, { route: "/v1/models", path: "/v1/models" })]);
    await tell(at, 1250);
    await countAll(clock);
    expect(await counted("latency")).toEqual(before);
    expect(await counted("outcome")).toEqual([
      { hour: hour(at), kind: "outcome", subject: "steep@1", counts: "[1,250,0.2]" },
    ]);
    // Its correction, which counts instead of it.
    await tell(clock, 1100);
    await countAll(clock);
    expect(await counted("latency")).toEqual(before);
    expect(await counted("outcome")).toMatchObject([{ hour: hour(clock) }]);
  });
});

describe("a request of the archive", () => {
  it("is found by its id, and its outcome can be told", async () => {
    const headers = bearer(await makeKey(`admin ${crypto.randomUUID()}`, ["admin"]));
    const all = requestsOf(120, 30);
    const prediction = row(day(120), random, {
      method: "POST",
      path: "/v1/predictions",
      route: "/v1/predictions",
      price: 1000,
      model: "steep",
      modelVersion: 1,
    });
    await insert([...all, prediction]);
    await archiveAll();
    const { status, text } = await call(`/v1/requests/${all[6]?.id}`, { headers });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ id: all[6]?.id, requestBody: all[6]?.requestBody });
    expect((await call(`/v1/requests/${idAt(day(120), random)}`, { headers })).status).toBe(404);
    const told = await post<object>(`/v1/predictions/${prediction.id}/outcome`, { price: 1100 });
    expect(told.body).toMatchObject({ predicted: 1000, price: 1100 });
  });
});

describe("DELETE /v1/requests/{id}", () => {
  let headers: Record<string, string>;
  const forget = async (id: string) => {
    const { status, text } = await call(`/v1/requests/${id}`, { method: "DELETE", headers });
    return { status, body: JSON.parse(text) };
  };
  /** Whether a text is anywhere in the log's tables or in the bucket. */
  async function isKept(text: string): Promise<boolean> {
    const tables = await Promise.all(
      ["requests", "outcomes"].map(
        async (table) => (await env.LOG_DB.prepare(`SELECT * FROM ${table}`).all()).results,
      ),
    );
    const { objects } = await env.MODELS.list();
    const texts = await Promise.all(
      objects
        .filter(({ key }) => key.startsWith("log-") && !key.endsWith(".gz"))
        .map(async ({ key }) => key + (await (await env.MODELS.get(key))?.text())),
    );
    return JSON.stringify([tables, texts, await readArchive()]).includes(text);
  }

  beforeEach(async () => {
    headers = bearer(await makeKey(`admin ${crypto.randomUUID()}`, ["admin"]));
  });

  it("forgets row, bodies and outcomes", async () => {
    await publish({ name: "steep", version: 1, file: "steep" });
    await point("champion", { name: "steep", version: 1 });
    const secret = "4.117";
    const { id } = (await post<{ id: string }>("/v1/predictions", { ...STONE, z: 4.117 })).body;
    await post(`/v1/predictions/${id}/outcome`, { price: 1234567 });
    await post(`/v1/predictions/${id}/outcome`, { price: 1234568 });
    expect(await isKept(secret)).toBe(true);
    expect(await forget(id)).toEqual({
      status: 200,
      body: { id, forgotten: { row: true, bodies: false, deadLetter: false, archived: false, outcomes: 2 } },
    });
    expect([await isKept(secret), await isKept("123456")]).toEqual([false, false]);
    expect(await logged(id)).toBeUndefined();
    expect((await forget(id)).status).toBe(404);
  });

  it("forgets bodies in the bucket and dead letters", async () => {
    const body = `{"diamonds":"secret${"x".repeat(600_000)}"}`;
    const { id } = await call("/v1/predictions/batch", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(await isKept("secretxx")).toBe(true);
    expect((await forget(id)).body.forgotten).toMatchObject({ row: true, bodies: true });
    const letter = row(NOW, random, { requestBody: "secret letter" });
    await saveDeadLetter(env.MODELS, letter);
    expect((await forget(letter.id)).body.forgotten).toMatchObject({ row: false, deadLetter: true });
    expect(await isKept("secret")).toBe(false);
  });

  it("forgets what is archived, and leaves the rest as it was", async () => {
    const all = requestsOf(120, 50);
    const lonely = row(day(130), random, { userAgent: "secret" });
    await insert([...all, lonely]);
    await archiveAll();
    const before = await readArchive();
    for (const one of [all[0], all[25], all[49], lonely]) {
      expect((await forget(one?.id ?? "")).body.forgotten).toMatchObject({ row: false, archived: true });
      expect((await forget(one?.id ?? "")).status).toBe(404);
      expect(JSON.stringify(await readArchive())).not.toContain(one?.id);
    }
    const gone = new Set([all[0], all[25], all[49], lonely].map((one) => one?.id));
    const rest = before.flatMap(({ rows }) => rows).filter(({ id }) => !gone.has(id));
    expect((await readArchive()).flatMap(({ rows }) => rows)).toEqual(rest);
    // What is left can still be read, and no part is left of the day that had nothing else.
    expect((await call(`/v1/requests/${all[7]?.id}`, { headers })).status).toBe(200);
    expect(await readArchive()).toHaveLength(1);
  });

  it("waits for the archive, which could be moving the request", async () => {
    const [old] = requestsOf(120, 1);
    await insert([old!]);
    await env.LOG_DB.prepare("INSERT INTO leases VALUES ('archive', 'another', ?)")
      .bind(Date.now() + MINUTE)
      .run();
    const { status, body } = await forget(old!.id);
    expect(status).toBe(503);
    expect((body as Refusal).detail).toContain("archive");
    expect(await readTable()).toContain(old!.id);
    const { id } = await call("/health");
    expect((await forget(id)).status).toBe(200);
  });

  it("forgets the requests that told an outcome, also of an archived prediction", async () => {
    const prediction = row(day(120), random, { price: 1000, model: "steep", modelVersion: 1 });
    const telling = row(day(110), random, { requestBody: '{"price":7654321}' });
    await insert([prediction, telling]);
    await insertOutcome(env.LOG_DB, {
      prediction: prediction.id,
      item: 0,
      id: telling.id,
      at: telling.at,
      price: 7654321,
      soldAt: null,
      caller: null,
      predicted: 1000,
      model: "steep",
      modelVersion: 1,
    });
    await archiveAll();
    expect((await forget(prediction.id)).body.forgotten).toMatchObject({ archived: true, outcomes: 1 });
    expect(await isKept("7654321")).toBe(false);
  });

  it("forgets the outcome that a request told, and leaves the prediction and its other outcomes", async () => {
    await publish({ name: "shallow", version: 1, file: "shallow" });
    const { id } = (await post<{ id: string }>("/v1/predictions?model=shallow", STONE)).body;
    const first = await post(`/v1/predictions/${id}/outcome`, { price: 1234567 });
    const second = await post(`/v1/predictions/${id}/outcome`, { price: 7654321 });
    expect((await forget(second.id)).body.forgotten).toMatchObject({ row: true, outcomes: 1 });
    expect(await isKept("7654321")).toBe(false);
    const { text } = await call(`/v1/requests/${id}`, { headers });
    expect(JSON.parse(text).outcomes).toMatchObject([{ id: first.id, price: 1234567 }]);
    expect((await forget(first.id)).body.forgotten).toMatchObject({ row: true, outcomes: 1 });
    expect(await isKept("1234567")).toBe(false);
    expect((await call(`/v1/requests/${id}`, { headers })).status).toBe(200);
  });

  it("lets nothing come back: no dead letter that was being drained, no message of the queue", async () => {
    const letter = row(NOW, random, { requestBody: "secret letter" });
    await saveDeadLetter(env.MODELS, letter);
    // It is forgotten after the drain has read it.
    const LOG_DB = wrap(env.LOG_DB, {
      prepare: (sql: string) => {
        const statement = env.LOG_DB.prepare(sql);
        return wrap(statement, {
          bind: (...values: unknown[]) => {
            const bound = statement.bind(...values);
            return wrap(bound, {
              run: async <T>() => {
                if (sql.startsWith("INSERT INTO requests")) await forget(letter.id);
                return bound.run<T>();
              },
            });
          },
        });
      },
    });
    // On the day of the letter: late records are written in a batch, which wrapped statements cannot be in.
    vi.setSystemTime(NOW);
    await drainDeadLetters({ ...env, LOG_DB });
    const other = row(NOW, random);
    await insert([letter, other]);
    const ids = await readTable();
    expect([ids.includes(letter.id), ids.includes(other.id)]).toEqual([false, true]);
    vi.useRealTimers();
    // Also one that was not here yet when it was to be forgotten.
    const late = row(Date.now(), random, { requestBody: "secret message" });
    expect((await forget(late.id)).status).toBe(404);
    await insert([late]);
    expect(await isKept("secret")).toBe(false);
  });

  it("remembers what was forgotten for as long as it can still come, and no longer", async () => {
    const all = [row(NOW, random), row(NOW, random)];
    await insert(all);
    for (const { id } of all) await forget(id);
    const ids = async () => (await env.LOG_DB.prepare("SELECT id FROM forgotten").all()).results.length;
    expect(await ids()).toBe(2);
    await env.MODELS.put(`log-bodies/${all[0]?.id}.json`, "secret");
    expect(await deleteExpiredErasedIds(env, Date.now() + 29 * DAY)).toBe(0);
    expect([await ids(), await isKept("secret")]).toEqual([2, true]);
    expect(await deleteExpiredErasedIds(env, Date.now() + 31 * DAY)).toBe(2);
    expect([await ids(), await isKept("secret")]).toEqual([0, false]);
  });

  it("knows no other ids, and no callers without the scope", async () => {
    for (const id of ["x", idAt(NOW, random), idAt(day(300), random)])
      expect((await forget(id)).status).toBe(404);
    expect((await call("/v1/requests/x", { method: "DELETE" })).status).toBe(401);
  });
});
