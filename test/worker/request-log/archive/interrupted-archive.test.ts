/**
 * Interrupts the archive job at every call to the database and the bucket. No row is lost or archived
 * twice.
 */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import { MINUTE_MS } from "../../../../src/lib/time.ts";
import { archiveOldDays } from "../../../../src/request-log/archive/archive.ts";
import { JOB_BUDGETS } from "../../../../src/settings/call-budgets.ts";
import { createRandom } from "../../../support/random.ts";
import { emptyStorage } from "../../support/empty-storage.ts";
import { createCountingEnv, createInterruptedEnv } from "../../support/interrupted-env.ts";
import {
  archiveAll,
  createRecordsOfDay,
  NOW,
  readArchive,
  readArchivedRows,
} from "../../support/request-log/archive.ts";
import { insertRecords, readLogIds, sortIds } from "../../support/request-log/log-rows.ts";

/** An interrupted run keeps its lease for 20 minutes. */
const LEASE_EXPIRED_AFTER_MS = 21 * MINUTE_MS;

let random: () => number;

beforeEach(async () => {
  await emptyStorage();
  random = createRandom(3);
});

/** Expects each record in exactly one chunk, or in the table, or in both while its day is being archived. */
async function expectNothingLost(all: readonly RequestRecord[]): Promise<void> {
  const archivedIds = sortIds(await readArchivedRows());
  expect(new Set(archivedIds).size).toBe(archivedIds.length);
  expect([...new Set([...archivedIds, ...(await readLogIds())])].sort()).toEqual(sortIds(all));
}

async function deleteArchive(): Promise<void> {
  const { objects } = await env.MODELS.list({ prefix: "log-archive/" });
  await env.MODELS.delete(objects.map(({ key }) => key));
}

describe("archiveOldDays", () => {
  it("splits a large day into chunks, within the call budget of the job", async () => {
    const all = createRecordsOfDay(95, 45_000, random);
    await insertRecords(all);
    const { bindings, countCalls } = createCountingEnv();
    expect(await archiveOldDays(bindings, NOW)).toBe(45_000);
    expect(countCalls()).toBeLessThanOrEqual(JOB_BUDGETS.archiveOldDays.calls);
    const chunks = await readArchive();
    expect(chunks.map(({ rows }) => rows.length)).toEqual([20_000, 20_000, 5000]);
    await expectNothingLost(all);
    expect(await readLogIds()).toEqual([]);
  });

  it.each([
    ["before", false],
    ["after", true],
  ])(
    "makes progress if each run is interrupted one call later than the last, %s that call takes effect",
    async (_, takesEffect) => {
      const all = [
        ...createRecordsOfDay(93, 2500, random),
        ...createRecordsOfDay(92, 1200, random),
        ...createRecordsOfDay(91, 3, random),
      ];
      await insertRecords(all);
      let failingCall = 1;
      for (let now = NOW; ; now += LEASE_EXPIRED_AFTER_MS) {
        const { bindings, countCalls } = createInterruptedEnv(failingCall, takesEffect);
        const movedRows = await archiveOldDays(bindings, now).catch(() => "interrupted");
        await expectNothingLost(all);
        if (movedRows === 0) break;
        expect(countCalls()).toBeGreaterThanOrEqual(Math.min(failingCall, 2));
        failingCall++;
      }
      expect(failingCall).toBeGreaterThan(10);
      expect(await readLogIds()).toEqual([]);
      expect(await readArchivedRows()).toHaveLength(all.length);
    },
  );

  it("continues after a run that was interrupted at any call", async () => {
    const all = [...createRecordsOfDay(93, 2500, random), ...createRecordsOfDay(92, 700, random)];
    await insertRecords(all);
    const { bindings, countCalls } = createCountingEnv();
    await archiveOldDays(bindings, NOW);
    const totalCalls = countCalls();
    expect(totalCalls).toBeGreaterThan(15);
    let now = NOW;
    for (let failingCall = 1; failingCall <= totalCalls; failingCall += 2) {
      await deleteArchive();
      await insertRecords(all);
      const { bindings } = createInterruptedEnv(failingCall, failingCall % 4 === 1);
      await archiveOldDays(bindings, now).catch(() => {});
      await expectNothingLost(all);
      now += LEASE_EXPIRED_AFTER_MS;
      await archiveAll(now);
      await expectNothingLost(all);
      expect(await readLogIds()).toEqual([]);
    }
  });
});
