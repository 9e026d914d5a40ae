import { insertRequests, type RequestRecord } from "../../db/request-log/requests.ts";
import { withRetry } from "../../lib/retry.ts";
import { waitAtMost, withTimeout } from "../../lib/single-flight.ts";
import { toBatches } from "./batches.ts";

/** How long records are gathered. One statement for all of an isolate's costs little more than one for one. */
const GATHER_MS = 20;
/** A request that gathers and has not begun to write by then was cut off. */
const GONE_MS = 1_000;
/** A record that is being written and is not by then is written again, by another request. */
const TAKE_OVER_MS = 3_000;
/** For all attempts together: the platform gives work after the response 30 s, see src/log/write.ts. */
const PATIENCE_MS = 12_000;
/** A request that has not taken note by then of what came of its record was cut off. */
const NOTICE_MS = 1_000;

interface Entry {
  readonly record: RequestRecord;
  /** When a request began to write it. */
  takenAt: number;
  /** What came of it; null as long as it is not known. */
  outcome: "written" | Failure | null;
  /** Resolves when the outcome is known. */
  readonly settled: PromiseWithResolvers<void>;
  /** Whether its own request knows the outcome, and does what is to be done. */
  noticed: boolean;
}

interface Failure {
  readonly error: unknown;
}

/** Keeps a record that the database did not take. Never throws. */
type Save = (record: RequestRecord, error: unknown) => Promise<void>;

/** The records that are not written yet, of all requests of this isolate. */
const open = new Set<Entry>();
/** Since when a request gathers; null where none does. */
let gathering: number | null = null;

/**
 * Writes a record together with those of other requests of this isolate: the first to come waits a little
 * and writes all. Each request stays until its own record is written. The one that writes can be cut off;
 * those that wait for it notice, and write again what it had taken: the insert is idempotent.
 *
 * What the database does not take within {@link PATIENCE_MS} is saved, each record by its own request; by
 * the one that tried to write it where that request was cut off.
 */
export async function writeBatched(db: D1Database, record: RequestRecord, save: Save): Promise<void> {
  const entry = toEntry(record);
  const deadline = Date.now() + PATIENCE_MS;
  const rescues: Promise<void>[] = [];
  open.add(entry);
  while (entry.outcome === null) {
    const now = Date.now();
    if (now >= deadline) settle([entry], { error: new Error(`not written within ${PATIENCE_MS} ms`) });
    else if (!isFree(entry, now)) await waitAtMost(entry.takenAt + TAKE_OVER_MS - now, entry.settled.promise);
    else if (gathering === null || now - gathering > GONE_MS)
      rescues.push(...(await gatherAndWrite(db, deadline, save)));
    else await waitAtMost(GONE_MS, entry.settled.promise);
  }
  entry.noticed = true;
  if (entry.outcome !== "written") rescues.push(save(record, entry.outcome.error));
  await Promise.all(rescues);
}

function toEntry(record: RequestRecord): Entry {
  return {
    record,
    takenAt: Number.NEGATIVE_INFINITY,
    outcome: null,
    settled: Promise.withResolvers(),
    noticed: false,
  };
}

function isFree(entry: Entry, now: number): boolean {
  return now - entry.takenAt >= TAKE_OVER_MS;
}

/** Returns what is still to be waited for: records being saved whose requests are gone. */
async function gatherAndWrite(db: D1Database, deadline: number, save: Save): Promise<Promise<void>[]> {
  gathering = Date.now();
  await scheduler.wait(GATHER_MS);
  gathering = null;
  const now = Date.now();
  const entries = [...open].filter((entry) => isFree(entry, now));
  for (const entry of entries) entry.takenAt = now;
  const rescues: Promise<void>[] = [];
  for (const batch of toBatches(entries, ({ record }) => record)) {
    const records = batch.map(({ record }) => record);
    const insert = withRetry(() => insertRequests(db, records));
    await withTimeout(Math.max(1, deadline - Date.now()), insert).then(
      () => settle(batch, "written"),
      (error: unknown) => {
        settle(batch, { error });
        rescues.push(saveAbandoned(batch, error, save));
      },
    );
  }
  return rescues;
}

function settle(batch: readonly Entry[], outcome: NonNullable<Entry["outcome"]>): void {
  for (const entry of batch) {
    entry.outcome ??= outcome;
    entry.settled.resolve();
    open.delete(entry);
  }
}

async function saveAbandoned(batch: readonly Entry[], error: unknown, save: Save): Promise<void> {
  await scheduler.wait(NOTICE_MS);
  const abandoned = batch.filter(({ noticed }) => !noticed);
  await Promise.all(abandoned.map(({ record }) => save(record, error)));
}
