/** Erasures that take many calls or several runs. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/lib/time.ts";
import { archiveOldDays } from "../../../src/request-log/archive/archive.ts";
import { continueErasures, eraseRequest } from "../../../src/request-log/erase.ts";
import { saveDeadLetter } from "../../../src/request-log/write/dead-letters.ts";
import { ERASE_JOB_BUDGET, ERASE_PAGE } from "../../../src/settings/call-budgets.ts";
import { createRandom } from "../../support/random.ts";
import { emptyStorage } from "../support/empty-storage.ts";
import { createFaultyDatabase, overrideMethods } from "../support/faults.ts";
import { createCountingEnv, createInterruptedEnv } from "../support/interrupted-env.ts";
import {
  archiveAll,
  createRecordsOfDay,
  NOW,
  readArchive,
  readArchivedRows,
  startOfDay,
} from "../support/request-log/archive.ts";
import {
  copyStorage,
  createReportedPrediction,
  findInTables,
  findStored,
  insertReportedPrediction,
  type ReportedPrediction,
  reportOutcome,
} from "../support/request-log/erasures.ts";
import { insertRecords, readLogIds, sortIds } from "../support/request-log/log-rows.ts";

const LATER = NOW + 5 * MINUTE_MS;

let random: () => number;

beforeEach(async () => {
  await emptyStorage();
  random = createRandom(3);
});

/** Ids of all requests in the table and in the archive. */
async function readAllIds(): Promise<string[]> {
  return [...(await readLogIds()), ...sortIds(await readArchivedRows())].sort();
}

const countPuts = (calls: readonly string[]) => calls.filter((call) => call.startsWith("put log-archive/"));

describe("eraseRequest", () => {
  it("erases 300 outcomes with few calls", async () => {
    const times = Array.from({ length: 300 }, (_, i) => startOfDay(1) + i);
    const reported = createReportedPrediction(startOfDay(2), times, random);
    await insertReportedPrediction(reported);
    const { bindings, countCalls } = createCountingEnv();
    expect(await eraseRequest(bindings, reported.prediction.id, NOW)).toMatchObject({
      erased: { row: true, outcomes: 300 },
      remaining: 0,
    });
    expect(countCalls()).toBe(17);
    expect(await findStored(reported.ids)).toEqual([]);
  });

  it("erases 1,000 outcomes of the table and of 30 archived days in one call, and writes each chunk once", async () => {
    const times = Array.from(
      { length: 1000 },
      (_, i) => startOfDay(120) + Math.floor((i * 119 * DAY_MS) / 1000),
    );
    const reported = createReportedPrediction(startOfDay(121), times, random);
    const others = [121, 120, 95, 50].flatMap((daysAgo) => createRecordsOfDay(daysAgo, 300, random));
    await insertReportedPrediction(reported);
    await insertRecords(others);
    await archiveAll();
    const { bindings, countCalls, bucketCalls } = createCountingEnv();
    expect(await eraseRequest(bindings, reported.prediction.id, NOW)).toMatchObject({
      erased: { row: false, archived: true, outcomes: 1000 },
      remaining: 0,
    });
    // As for 300 outcomes, and two more deletions of objects. The lease takes two calls, and ten days of the
    // archive two. Each of 31 days takes a list, a read, and a write or a deletion.
    expect(countCalls()).toBe(17 + 2 + 2 + 4 * 2 + 31 * 3);
    expect(countPuts(bucketCalls)).toHaveLength(3);
    expect(new Set(countPuts(bucketCalls)).size).toBe(3);
    expect(await findStored(reported.ids)).toEqual([]);
    expect(await readAllIds()).toEqual(sortIds(others));
  });

  it("erases only what it can while the archive is being written, and its rest is not readable", async () => {
    const reported = createReportedPrediction(startOfDay(120), [startOfDay(100), startOfDay(1)], random);
    await insertReportedPrediction(reported);
    await archiveAll();
    await env.LOG_DB.prepare("INSERT INTO leases VALUES ('archive', 'another', ?)").bind(LATER).run();
    const result = await eraseRequest(env, reported.prediction.id, NOW);
    expect(result).toMatchObject({ erased: { row: false, archived: false, outcomes: 1 }, remaining: 2 });
    expect(await findStored(reported.ids.slice(2))).toEqual([]);
    expect(await continueErasures(env, LATER)).toBe(1);
    expect(await findStored(reported.ids)).toEqual([]);
  });

  it("erases a request that the archive job is moving at midnight", async () => {
    const midnight = Date.UTC(2026, 10, 21);
    const [record, other] = createRecordsOfDay(90, 2, random) as [RequestRecord, RequestRecord];
    await insertRecords([record, other]);
    const { promise: erased, resolve: continueArchive } = Promise.withResolvers<void>();
    const { promise: hasRead, resolve: reportRead } = Promise.withResolvers<void>();
    const put = async (...args: Parameters<R2Bucket["put"]>) => {
      reportRead();
      await erased;
      return env.MODELS.put(...args);
    };
    const MODELS = overrideMethods(env.MODELS, { put: put as R2Bucket["put"] });
    const archived = archiveOldDays({ ...env, MODELS }, midnight + 1000);
    await hasRead;
    expect((await eraseRequest(env, record.id, midnight - 1000)).remaining).toBe(1);
    continueArchive();
    expect(await archived).toBe(1);
    expect(await continueErasures(env, midnight + 5 * MINUTE_MS)).toBe(1);
    expect(await findStored([record.id])).toEqual([]);
    expect(await readAllIds()).toEqual([other.id]);
  });

  it("does not end before an outcome that was reported meanwhile is erased too", async () => {
    const reported = createReportedPrediction(startOfDay(1), [], random);
    const late = createReportedPrediction(startOfDay(0), [startOfDay(0)], random);
    await insertReportedPrediction(reported);
    const { id } = reported.prediction;
    const LOG_DB = createFaultyDatabase(env.LOG_DB, async (sql) => {
      if (!sql.startsWith("DELETE FROM erasures")) return;
      await insertReportedPrediction({ ...late, prediction: reported.prediction });
    });
    expect((await eraseRequest({ ...env, LOG_DB }, id, NOW)).remaining).toBe(2);
    expect(await continueErasures(env, LATER)).toBe(1);
    expect(await findStored([...reported.ids, ...late.outcomeRequests.map((request) => request.id)])).toEqual(
      [],
    );
  });

  it("refuses an outcome whose prediction is erased between its look-up and its insertion", async () => {
    const reported = createReportedPrediction(startOfDay(1), [], random);
    await insertReportedPrediction(reported);
    const { id } = reported.prediction;
    expect((await reportOutcome(id, NOW, random)).isStored).toBe(true);
    await eraseRequest(env, id, NOW);
    expect((await reportOutcome(id, NOW, random)).isStored).toBe(false);
    expect(await findStored([id])).toEqual([]);
  });
});

describe("an erasure that is stopped", () => {
  let reported: ReportedPrediction;
  let others: RequestRecord[];

  let restoreStorage: () => Promise<void>;

  beforeEach(async () => {
    // Two outcomes in the chunk of the prediction, one in another chunk, one that is alone in its chunk, one
    // that can be archived but is in the table, and two others in the table.
    const times = [startOfDay(120) + 1, startOfDay(120) + HOUR_MS, startOfDay(110), startOfDay(100)];
    times.push(startOfDay(95), startOfDay(1), startOfDay(0));
    reported = createReportedPrediction(startOfDay(120), times, random);
    others = [120, 110, 1].flatMap((daysAgo) => createRecordsOfDay(daysAgo, 3, random));
    await insertReportedPrediction(reported);
    await insertRecords(others);
    const [unarchived, newest] = [reported.outcomeRequests[4]!, reported.outcomeRequests[6]!];
    await env.LOG_DB.prepare("DELETE FROM requests WHERE id = ?1").bind(unarchived.id).run();
    await archiveAll();
    await insertRecords([unarchived]);
    for (const record of [reported.prediction, newest]) {
      await env.MODELS.put(`log-bodies/${record.id}.json`, "secret");
      await saveDeadLetter(env.MODELS, record);
    }
    await env.MODELS.put(`log-rejected/${newest.id}.json`, "secret");
    restoreStorage = await copyStorage();
  });

  const expectCompleted = async () => {
    const chunks = await readArchive();
    expect(await findStored(reported.ids, chunks)).toEqual([]);
    const archivedIds = chunks.flatMap(({ rows }) => sortIds(rows));
    expect([...(await readLogIds()), ...archivedIds].sort()).toEqual(sortIds(others));
  };

  it("is completed by the next run, whatever call was the last", async () => {
    const { bindings, countCalls } = createCountingEnv();
    expect((await eraseRequest(bindings, reported.prediction.id, NOW)).remaining).toBe(0);
    await expectCompleted();
    const totalCalls = countCalls();
    expect(totalCalls).toBeGreaterThan(30);
    // The first call records the erasure.
    for (let failingCall = 1; failingCall <= totalCalls; failingCall++) {
      await restoreStorage();
      const interrupted = createInterruptedEnv(failingCall, true);
      await eraseRequest(interrupted.bindings, reported.prediction.id, NOW).catch(() => {});
      await continueErasures(env, LATER);
      await expectCompleted();
    }
  });

  it("makes progress if each run is stopped one call later than the last", async () => {
    await eraseRequest(createInterruptedEnv(1, true).bindings, reported.prediction.id, NOW).catch(() => {});
    for (let failingCall = 2, now = LATER; ; failingCall++, now += 5 * MINUTE_MS) {
      const { bindings } = createInterruptedEnv(failingCall, true);
      const completed = await continueErasures(bindings, now).catch(() => 0);
      const isListed = await env.LOG_DB.prepare("SELECT 1 FROM erasures").first();
      if (completed === 1 || isListed === null) break;
      expect(failingCall).toBeLessThan(100);
    }
    await expectCompleted();
  });
});

describe("continueErasures", () => {
  it("stays within its calls and completes the erasure in several runs", async () => {
    const times = Array.from({ length: 60 }, (_, i) => startOfDay(150 - (i % 30)) + i);
    const reported = createReportedPrediction(startOfDay(151), times, random);
    await insertReportedPrediction(reported);
    await archiveAll();
    const limits = { ...ERASE_JOB_BUDGET, calls: 60 };
    const first = createCountingEnv();
    const { remaining } = await eraseRequest(first.bindings, reported.prediction.id, NOW, limits);
    expect(remaining).toBeGreaterThan(1);
    expect(first.countCalls()).toBeLessThanOrEqual(limits.calls);
    let runs = 0;
    for (let completed = 0; completed === 0; runs++) {
      const { bindings, countCalls } = createCountingEnv();
      completed = await continueErasures(bindings, LATER + runs * 5 * MINUTE_MS, limits);
      expect(countCalls()).toBeLessThanOrEqual(limits.calls);
    }
    expect(runs).toBeLessThan(5);
    expect(await findStored(reported.ids)).toEqual([]);
  });

  it("begins no page of outcome requests for which the calls are not enough", async () => {
    const times = Array.from({ length: ERASE_PAGE.ids }, (_, i) => startOfDay(1) + i);
    const { prediction, outcomeRequests, ids } = createReportedPrediction(startOfDay(2), times, random);
    await insertReportedPrediction({ prediction, outcomeRequests, ids });
    const { bindings, countCalls } = createCountingEnv();
    const limits = { ...ERASE_JOB_BUDGET, calls: 30 };
    expect(await eraseRequest(bindings, prediction.id, NOW, limits)).toMatchObject({
      erased: { row: true, outcomes: 0 },
      remaining: ERASE_PAGE.ids + 1,
    });
    expect(countCalls()).toBeLessThanOrEqual(limits.calls);
    expect(await continueErasures(env, LATER)).toBe(1);
    expect(await findInTables(ids)).toEqual([]);
  });

  it("does not read more rows of the archive than a run may", async () => {
    const all = [130, 125, 120].flatMap((daysAgo) => createRecordsOfDay(daysAgo, 10, random));
    const times = [startOfDay(125), startOfDay(120)];
    const reported = createReportedPrediction(startOfDay(130), times, random);
    await insertReportedPrediction(reported);
    await insertRecords(all);
    await archiveAll();
    const { bindings, bucketCalls } = createCountingEnv();
    const limits = { ...ERASE_JOB_BUDGET, archivedRows: 12 };
    expect((await eraseRequest(bindings, reported.prediction.id, NOW, limits)).remaining).toBe(2);
    expect(countPuts(bucketCalls)).toHaveLength(2);
    expect(await continueErasures(env, LATER, limits)).toBe(1);
    expect(await findStored(reported.ids)).toEqual([]);
  });

  it("completes the other erasures if a chunk of some is damaged, and these once the chunk is repaired", async () => {
    const damaged = createReportedPrediction(startOfDay(120), [startOfDay(110), startOfDay(100)], random);
    const damagedAlone = createReportedPrediction(startOfDay(100), [], random);
    const intact = createReportedPrediction(startOfDay(130), [startOfDay(105)], random);
    for (const [i, reported] of [damaged, damagedAlone, intact].entries()) {
      await insertReportedPrediction(reported);
      const stopped = createInterruptedEnv(1, true).bindings;
      await eraseRequest(stopped, reported.prediction.id, NOW + i).catch(() => {});
    }
    await archiveAll();
    const { key } = (await readArchive()).at(-1)!;
    const object = (await env.MODELS.get(key))!;
    const [bytes, customMetadata] = [await object.arrayBuffer(), object.customMetadata!];
    const broken = new Uint8Array(bytes.slice());
    broken[30]! ^= 1;
    await env.MODELS.put(key, broken, { customMetadata });
    // The calls are enough for the damaged erasures only, and then it is the turn of the other one.
    const limits = { ...ERASE_JOB_BUDGET, calls: 62 };
    await expect(continueErasures(env, LATER, limits)).rejects.toThrow(/erasure of .* cannot be unpacked/);
    expect(await findInTables(intact.ids)).not.toEqual([]);
    await expect(continueErasures(env, LATER + 5 * MINUTE_MS, limits)).rejects.toThrow(/cannot be unpacked/);
    expect(await findInTables(intact.ids)).toEqual([]);
    const later = LATER + 10 * MINUTE_MS;
    await expect(continueErasures(env, later)).rejects.toThrow(/unpacked.*; .*unpacked/);
    const [prediction, , inDamagedChunk] = damaged.ids;
    expect(await findInTables([...damaged.ids, ...damagedAlone.ids])).toEqual([
      `outcomes ${inDamagedChunk}`,
      `outcomes ${prediction}`,
      ...[prediction, ...damagedAlone.ids].sort().map((id) => `erasures ${id}`),
    ]);
    await env.MODELS.put(key, bytes, { customMetadata });
    expect(await continueErasures(env, later + 5 * MINUTE_MS)).toBe(2);
    expect(await findStored([...damaged.ids, ...damagedAlone.ids, ...intact.ids])).toEqual([]);
  });
});
