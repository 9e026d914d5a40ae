import { insertRequests, type RequestRecord } from "../db/requests.ts";
import { retried } from "../db/retry.ts";
import { atMost, within } from "../inference/flight.ts";
import { split } from "./split.ts";

/** How long records are gathered. One statement for all of an isolate's costs little more than one for one. */
const GATHER_MS = 20;
/** A request that gathers and has not begun to write by then was cut off. */
const GONE_MS = 1_000;
/** A record that is being written and is not by then is written again, by another request. */
const TAKE_OVER_MS = 3_000;
/** For all attempts together: the platform gives work after the response 30 s, and R2 needs some of them. */
const PATIENCE_MS = 12_000;

interface Entry {
  readonly record: RequestRecord;
  /** When a request began to write it. */
  takenAt: number;
  /** What came of it; null as long as it is not known. */
  outcome: "written" | { readonly error: unknown } | null;
  /** Resolves when the outcome is known. */
  readonly settled: PromiseWithResolvers<void>;
}

/** The records that are not written yet, of all requests of this isolate. */
const open = new Set<Entry>();
/** Since when a request gathers; null where none does. */
let gathering: number | null = null;

/**
 * Writes a record together with those of other requests of this isolate: the first to come waits a little
 * and writes all. Each request stays until its own record is written. The one that writes can be cut off;
 * those that wait for it notice, and write again what it had taken: the insert is idempotent.
 * @throws what the database threw, or an error after {@link PATIENCE_MS}.
 */
export async function commit(db: D1Database, record: RequestRecord): Promise<void> {
  const entry = toEntry(record);
  const deadline = Date.now() + PATIENCE_MS;
  open.add(entry);
  while (entry.outcome === null) {
    const now = Date.now();
    if (now >= deadline) settle([entry], { error: new Error(`not written within ${PATIENCE_MS} ms`) });
    else if (!isFree(entry, now)) await atMost(entry.takenAt + TAKE_OVER_MS - now, entry.settled.promise);
    else if (gathering === null || now - gathering > GONE_MS) await gatherAndWrite(db, deadline);
    else await atMost(GONE_MS, entry.settled.promise);
  }
  if (entry.outcome !== "written") throw entry.outcome.error;
}

function toEntry(record: RequestRecord): Entry {
  return { record, takenAt: Number.NEGATIVE_INFINITY, outcome: null, settled: Promise.withResolvers() };
}

function isFree(entry: Entry, now: number): boolean {
  return now - entry.takenAt >= TAKE_OVER_MS;
}

async function gatherAndWrite(db: D1Database, deadline: number): Promise<void> {
  gathering = Date.now();
  await scheduler.wait(GATHER_MS);
  gathering = null;
  const now = Date.now();
  const entries = [...open].filter((entry) => isFree(entry, now));
  for (const entry of entries) entry.takenAt = now;
  for (const batch of split(entries, ({ record }) => record)) {
    const records = batch.map(({ record }) => record);
    await within(
      Math.max(1, deadline - Date.now()),
      retried(() => insertRequests(db, records)),
    ).then(
      () => settle(batch, "written"),
      (error: unknown) => settle(batch, { error }),
    );
  }
}

function settle(batch: readonly Entry[], outcome: NonNullable<Entry["outcome"]>): void {
  for (const entry of batch) {
    entry.outcome ??= outcome;
    entry.settled.resolve();
    open.delete(entry);
  }
}
