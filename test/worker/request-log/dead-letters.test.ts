/** Dead-letter records: records that the database did not take. A scheduled job drains them. */
import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { CallBudget } from "../../../src/lib/call-budget.ts";
import { QUARANTINE_PREFIX } from "../../../src/request-log/quarantine.ts";
import { DEAD_LETTER_PREFIX, saveDeadLetter } from "../../../src/request-log/write/dead-letters.ts";
import { drainDeadLetters } from "../../../src/request-log/write/drain-dead-letters.ts";
import { DRAIN_BUDGET } from "../../../src/settings/call-budgets.ts";
import worker from "../../../src/worker.ts";
import { createRandom } from "../../support/random.ts";
import { readLogRecord } from "../support/call.ts";
import { emptyStorage } from "../support/empty-storage.ts";
import { createFaultyDatabase, overrideMethods } from "../support/faults.ts";
import {
  createBucketThatNeverAnswers,
  createEnvWithLogFault,
  loseConnection,
  waitForever,
} from "../support/request-log/log-faults.ts";
import { createNewRecords, readDeadLetterIds, readLogIds, sortIds } from "../support/request-log/log-rows.ts";

const random = createRandom(17);

async function saveAll(records: readonly RequestRecord[]): Promise<void> {
  for (let i = 0; i < records.length; i += 100)
    await Promise.all(records.slice(i, i + 100).map((record) => saveDeadLetter(env.MODELS, record)));
}

/** Counts database statements and bucket operations, and how many reads of the bucket overlap. */
function createCountingEnv() {
  const calls = { statements: 0, objects: 0, maxOverlappingReads: 0 };
  let overlappingReads = 0;
  const MODELS = overrideMethods(env.MODELS, {
    list: (options) => {
      calls.objects++;
      return env.MODELS.list(options);
    },
    get: (async (key: string) => {
      calls.objects++;
      calls.maxOverlappingReads = Math.max(calls.maxOverlappingReads, ++overlappingReads);
      const object = await env.MODELS.get(key);
      overlappingReads--;
      return object;
    }) as R2Bucket["get"],
    put: ((...args: Parameters<R2Bucket["put"]>) => {
      calls.objects++;
      return env.MODELS.put(...args);
    }) as R2Bucket["put"],
    delete: (keys) => {
      calls.objects++;
      return env.MODELS.delete(keys);
    },
  });
  const LOG_DB = createFaultyDatabase(env.LOG_DB, async () => {
    calls.statements++;
  });
  return { bindings: { ...env, MODELS, LOG_DB }, calls };
}

beforeEach(emptyStorage);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("saveDeadLetter", () => {
  it("refuses a record at once if too many wait for the bucket", async () => {
    const answer = Promise.withResolvers<void>();
    const MODELS = overrideMethods(env.MODELS, {
      put: (async (...args: Parameters<R2Bucket["put"]>) => {
        await answer.promise;
        return env.MODELS.put(...args);
      }) as R2Bucket["put"],
    });
    const records = createNewRecords(9, random, { requestBody: "x".repeat(999_000) });
    const saves = records.slice(0, 8).map((record) => saveDeadLetter(MODELS, record));
    await expect(saveDeadLetter(MODELS, records[8]!)).rejects.toThrow("too many records wait for the bucket");
    answer.resolve();
    await Promise.all(saves);
    await saveDeadLetter(env.MODELS, records[8]!);
    expect(await readDeadLetterIds()).toEqual(sortIds(records));
  });
});

describe("drainDeadLetters", () => {
  it("is a scheduled job that writes each record once and unchanged", async () => {
    const records = createNewRecords(120, random, { problem: "it's a “test”\u0000" });
    await saveAll(records);
    await worker.scheduled(createScheduledController(), env);
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(await readDeadLetterIds()).toEqual([]);
    expect(await readLogRecord(records[0]!.id)).toEqual(records[0]);
  });

  it("stays within its call budget, and the next run continues", async () => {
    const records = createNewRecords(1000, random);
    await saveAll(records);
    const { bindings, calls } = createCountingEnv();
    const drained = await drainDeadLetters(bindings);
    // Two groups of 400 records, and a smaller one. The docs name this rate.
    expect(drained).toBeGreaterThanOrEqual(840);
    // Statements count twice, because late records take a second one.
    expect(calls.objects + 2 * calls.statements).toBeLessThanOrEqual(DRAIN_BUDGET.calls);
    expect(calls.maxOverlappingReads).toBeGreaterThan(10);
    expect(await readLogIds()).toHaveLength(drained);
    expect(await drainDeadLetters(env)).toBe(1000 - drained);
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(await readDeadLetterIds()).toEqual([]);
  });

  it("splits large records into groups that fit into memory, and into statements that D1 accepts", async () => {
    const records = createNewRecords(100, random, { requestBody: "x".repeat(200_000) });
    // 39 at once, because an isolate saves at most 8 MB at a time.
    for (let i = 0; i < records.length; i += 39) await saveAll(records.slice(i, i + 39));
    const { bindings, calls } = createCountingEnv();
    expect(await drainDeadLetters(bindings)).toBe(100);
    // The first group has 79 records, which are 16 MB, and the second has 21. A statement takes nine records.
    expect(calls.statements).toBe(12);
    expect(await readLogIds()).toEqual(sortIds(records));
  });

  it("keeps the objects while the database fails", async () => {
    const records = createNewRecords(3, random);
    await saveAll(records);
    const { bindings } = createEnvWithLogFault(loseConnection);
    await expect(drainDeadLetters(bindings)).rejects.toThrow("Network connection lost");
    expect(await readDeadLetterIds()).toEqual(sortIds(records));
    const withoutTable = { ...env, LOG_DB: env.DB };
    await expect(drainDeadLetters(withoutTable)).rejects.toThrow("no such table");
    expect(await readDeadLetterIds()).toEqual(sortIds(records));
  });

  it.each([
    ["bucket", () => ({ ...env, MODELS: createBucketThatNeverAnswers() })],
    ["database", () => createEnvWithLogFault(waitForever).bindings],
  ])("ends and keeps the objects if the %s does not answer", async (_, createBindings) => {
    const records = createNewRecords(3, random);
    await saveAll(records);
    const budget = new CallBudget({ ...DRAIN_BUDGET, callTimeoutMs: 500 });
    await expect(drainDeadLetters(createBindings(), budget)).rejects.toThrow("no answer within 500 ms");
    expect(await readDeadLetterIds()).toEqual(sortIds(records));
  });

  it("writes records once if their objects could not be deleted", async () => {
    const records = createNewRecords(3, random);
    await saveAll(records);
    const MODELS = overrideMethods(env.MODELS, { delete: () => Promise.reject(new Error("R2 is down")) });
    await expect(drainDeadLetters({ ...env, MODELS })).rejects.toThrow("R2 is down");
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(await drainDeadLetters(env)).toBe(3);
    expect(await readLogIds()).toEqual(sortIds(records));
  });

  it("moves invalid records to the quarantine, and writes the others with few statements", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const records = createNewRecords(300, random);
    const { method: _, ...incomplete } = records[200]!;
    await saveAll(records.with(200, incomplete as RequestRecord));
    const otherId = { ...records[0], id: "01a20ba8-dd34-75e4-a98d-248b0cf67d12" };
    await env.MODELS.put(`${DEAD_LETTER_PREFIX}0-other-id.json`, JSON.stringify(otherId));
    await env.MODELS.put(`${DEAD_LETTER_PREFIX}0-cut.json`, '{"id": "0-cu');
    await env.MODELS.put(`${DEAD_LETTER_PREFIX}0-empty.json`, "{}");
    const { bindings, calls } = createCountingEnv();
    expect(await drainDeadLetters(bindings)).toBe(299);
    expect(await readLogIds()).toEqual(sortIds(records.toSpliced(200, 1)));
    expect(await readDeadLetterIds()).toEqual([]);
    expect(await readDeadLetterIds(QUARANTINE_PREFIX)).toEqual([
      "0-cut",
      "0-empty",
      "0-other-id",
      incomplete.id,
    ]);
    expect(calls.statements).toBeLessThan(25);
  });

  it("ignores objects that are deleted before it reads them", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const records = createNewRecords(3, random);
    await saveAll(records);
    const MODELS = overrideMethods(env.MODELS, {
      get: (async (key: string) => {
        if (key.includes(records[1]!.id)) await env.MODELS.delete(key);
        return env.MODELS.get(key);
      }) as R2Bucket["get"],
    });
    expect(await drainDeadLetters({ ...env, MODELS })).toBe(2);
    expect(await readLogIds()).toEqual(sortIds(records.toSpliced(1, 1)));
    expect(await readDeadLetterIds(QUARANTINE_PREFIX)).toEqual([]);
    expect(error).not.toHaveBeenCalled();
  });
});
