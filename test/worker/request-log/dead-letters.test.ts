/** Records that the database did not take: kept in the bucket, and brought in by the cron. */
import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import worker from "../../../src/index.ts";
import {
  DEAD_LETTER_PREFIX,
  drainDeadLetters,
  REJECTED_PREFIX,
  saveDeadLetter,
} from "../../../src/request-log/write/dead-letters.ts";
import { logged } from "../support/call.ts";
import { empty } from "../support/empty-databases.ts";
import { faultyDatabase, hurry, lost, wrap } from "../support/faults.ts";
import { generator, ids, letters, row, sorted } from "../support/log-rows.ts";

const random = generator(17);

const records = (count: number, changes?: Partial<RequestRecord>) =>
  Array.from({ length: count }, () => row(Date.now(), random, changes));

async function keep(all: readonly RequestRecord[]): Promise<void> {
  await Promise.all(all.map((record) => saveDeadLetter(env.MODELS, record)));
}

/** Bindings that count their calls: statements of the database, objects of the bucket. */
function counting() {
  const calls = { statements: 0, objects: 0, most: 0 };
  let underWay = 0;
  const MODELS = wrap(env.MODELS, {
    list: (options) => {
      calls.objects++;
      return env.MODELS.list(options);
    },
    get: (async (key: string) => {
      calls.objects++;
      calls.most = Math.max(calls.most, ++underWay);
      const object = await env.MODELS.get(key);
      underWay--;
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
  const LOG_DB = faultyDatabase(env.LOG_DB, async () => {
    calls.statements++;
  });
  return { bindings: { ...env, MODELS, LOG_DB }, calls };
}

beforeEach(empty);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("dead letters", () => {
  it("are drained by the cron, whole and once", async () => {
    const all = records(120, { problem: "it's a “test”\u0000" });
    await keep(all);
    await worker.scheduled(createScheduledController(), env);
    expect(await ids()).toEqual(sorted(all));
    expect(await letters()).toEqual([]);
    expect(await logged(all[0]?.id ?? "")).toEqual(all[0]);
  });

  it("are drained as many as a run has calls, several at a time; the next run goes on", async () => {
    const all = records(1000);
    for (let i = 0; i < all.length; i += 100) await keep(all.slice(i, i + 100));
    const { bindings, calls } = counting();
    const drained = await drainDeadLetters(bindings);
    // Batches of 400, 400 and what is left; docs/operations.md names the rate.
    expect(drained).toBeGreaterThanOrEqual(840);
    // Twice the statements: of late records each has a second one.
    expect(calls.objects + 2 * calls.statements).toBeLessThanOrEqual(900);
    expect(calls.most).toBeGreaterThan(10);
    expect(await ids()).toHaveLength(drained);
    expect(await drainDeadLetters(env)).toBe(1000 - drained);
    expect(await ids()).toEqual(sorted(all));
    expect(await letters()).toEqual([]);
  });

  it("that are large are drained in parts that memory and statements hold", async () => {
    const all = records(100, { requestBody: "x".repeat(200_000) });
    await keep(all);
    const { bindings, calls } = counting();
    expect(await drainDeadLetters(bindings)).toBe(100);
    // Two a statement; the first 79 are 16 MB, and a batch.
    expect(calls.statements).toBe(51);
    expect(await ids()).toEqual(sorted(all));
  });

  it("stay where the database still fails", async () => {
    const all = records(3);
    await keep(all);
    const down = { ...env, LOG_DB: faultyDatabase(env.LOG_DB, () => Promise.reject(lost())) };
    await expect(drainDeadLetters(down)).rejects.toThrow("Network connection lost");
    expect(await letters()).toEqual(sorted(all));
    const missing = { ...env, LOG_DB: env.DB };
    await expect(drainDeadLetters(missing)).rejects.toThrow("no such table");
    expect(await letters()).toEqual(sorted(all));
  });

  it.each([
    ["bucket", () => ({ ...env, MODELS: wrap(env.MODELS, { list: () => new Promise<never>(() => {}) }) })],
    ["database", () => ({ ...env, LOG_DB: faultyDatabase(env.LOG_DB, () => new Promise(() => {})) })],
  ])("stay where the %s does not answer, and the run ends", async (_, bindings) => {
    const all = records(3);
    await keep(all);
    hurry(8);
    await expect(drainDeadLetters(bindings())).rejects.toThrow("no answer within 25000 ms");
    vi.restoreAllMocks();
    expect(await letters()).toEqual(sorted(all));
  });

  it("that could not be deleted are not written twice", async () => {
    const all = records(3);
    await keep(all);
    const MODELS = wrap(env.MODELS, { delete: () => Promise.reject(new Error("R2 is down")) });
    await expect(drainDeadLetters({ ...env, MODELS })).rejects.toThrow("R2 is down");
    expect(await ids()).toEqual(sorted(all));
    expect(await drainDeadLetters(env)).toBe(3);
    expect(await ids()).toEqual(sorted(all));
  });

  it("that no row can be made of are put aside, and the others drained with few statements", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const all = records(300);
    const { method: _, ...half } = all[200] as RequestRecord;
    await keep(all.with(200, half as RequestRecord));
    const odd = { ...records(1)[0], id: "01a20ba8-dd34-75e4-a98d-248b0cf67d12" };
    await env.MODELS.put(`${DEAD_LETTER_PREFIX}0-odd.json`, JSON.stringify(odd));
    await env.MODELS.put(`${DEAD_LETTER_PREFIX}0-half.json`, '{"id": "0-ha');
    await env.MODELS.put(`${DEAD_LETTER_PREFIX}0-empty.json`, "{}");
    const { bindings, calls } = counting();
    expect(await drainDeadLetters(bindings)).toBe(299);
    expect(await ids()).toEqual(sorted(all.toSpliced(200, 1)));
    expect(await letters()).toEqual([]);
    expect(await letters(REJECTED_PREFIX)).toEqual(["0-empty", "0-half", "0-odd", half.id]);
    expect(calls.statements).toBeLessThan(25);
  });

  it("that are gone when they are read are nothing", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const all = records(3);
    await keep(all);
    const MODELS = wrap(env.MODELS, {
      get: (async (key: string) => {
        if (key.includes(all[1]?.id ?? "")) await env.MODELS.delete(key);
        return env.MODELS.get(key);
      }) as R2Bucket["get"],
    });
    expect(await drainDeadLetters({ ...env, MODELS })).toBe(2);
    expect(await ids()).toEqual(sorted(all.toSpliced(1, 1)));
    expect(await letters(REJECTED_PREFIX)).toEqual([]);
    expect(error).not.toHaveBeenCalled();
  });
});
