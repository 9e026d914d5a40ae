import { isRetryable } from "../../db/errors.ts";
import { insertRequests, type RequestRecord } from "../../db/request-log/requests.ts";
import { withRetry } from "../../lib/retry.ts";
import { RequestTimer, withTimeout } from "../../lib/timeout.ts";
import { ACKNOWLEDGE_TIMEOUT_MS, BATCH_DELAY_MS, LOG_WRITE_TIMEOUT_MS } from "../../settings/timeouts.ts";
import { HeldRecords } from "./held-records.ts";
import { boundRowJsonOctets, splitIntoBatches } from "./split-batches.ts";

/** A request that still collects records after this time was stopped by the platform. */
const COLLECTOR_LOST_AFTER_MS = 1_000;
/** If a write has no result after this time, another request writes the record again. */
const REWRITE_AFTER_MS = 3_000;

/**
 * A record in the batch writer. Its own request waits for the result; any request may write it. The record of
 * repeated requests is that of all which came before its write began, and all of them wait for it.
 */
interface Entry {
  record: RequestRecord;
  /** When the latest write of the record began. */
  writeStartedAt: number;
  /** Null until the result is known. */
  result: "written" | WriteFailure | null;
  /** Resolves when the result is known. */
  readonly resolved: PromiseWithResolvers<void>;
  /** Whether a request of its own has seen the result. If so, that request saves the record after a failure. */
  acknowledged: boolean;
}

interface WriteFailure {
  readonly error: unknown;
}

/** Saves a record that the database did not take. Never throws. */
type SaveRecord = (record: RequestRecord, error: unknown) => Promise<void>;

interface WriteOptions {
  /** For the waits of the request. */
  readonly timer?: RequestTimer | undefined;
  readonly waitForRecords?: () => Promise<void>;
}

/** The entries without a result, of all requests in this isolate. */
const openEntries = new Set<Entry>();
/** Limits the open entries, because a log database that does not answer keeps them for {@link LOG_WRITE_TIMEOUT_MS}. */
const open = new HeldRecords({ records: 2_000, textLength: 8_000_000 });
/** The entries of repeated requests whose write has not begun, by their id. */
const repeatedEntries = new Map<string, Entry>();
/** When a request began to collect records for its batch; null if no request is collecting. */
let collectingSince: number | null = null;

/**
 * Writes a record in one batch with the records of other requests in this isolate, because one statement for
 * many rows costs little more than one for a single row. The first request waits {@link BATCH_DELAY_MS} and
 * writes all records; the others wait for the result.
 *
 * The platform may stop the writing request at any time. The waiting requests then write its batch again. The
 * insert ignores duplicates.
 *
 * A record that is not written within {@link LOG_WRITE_TIMEOUT_MS} is saved by its own request. If that
 * request was stopped, the request that tried to write the record saves it. A record is saved at once if too many
 * wait for the database.
 */
export async function writeBatched(
  db: D1Database,
  record: RequestRecord,
  save: SaveRecord,
  { timer = new RequestTimer(), waitForRecords = () => scheduler.wait(BATCH_DELAY_MS) }: WriteOptions = {},
): Promise<void> {
  const entry = openEntry(record);
  if (entry === null) return save(record, new Error("too many records wait for the log database"));
  const deadline = Date.now() + LOG_WRITE_TIMEOUT_MS;
  const saves: Promise<void>[] = [];
  while (entry.result === null) {
    const now = Date.now();
    if (now >= deadline) {
      resolveEntries([entry], { error: new Error(`not written within ${LOG_WRITE_TIMEOUT_MS} ms`) });
    } else if (!canWrite(entry, now)) {
      await timer.waitAtMost(
        Math.min(entry.writeStartedAt + REWRITE_AFTER_MS, deadline) - now,
        entry.resolved.promise,
      );
    } else if (collectingSince === null || now - collectingSince > COLLECTOR_LOST_AFTER_MS) {
      collectingSince = now;
      await waitForRecords();
      collectingSince = null;
      saves.push(...(await writeOpenEntries(db, deadline, save)));
    } else {
      await timer.waitAtMost(Math.min(COLLECTOR_LOST_AFTER_MS, deadline - now), entry.resolved.promise);
    }
  }
  if (entry.result !== "written" && !entry.acknowledged) saves.push(save(entry.record, entry.result.error));
  entry.acknowledged = true;
  await Promise.all(saves);
}

/** Adds a record to the open entries. Returns its entry, or null if there is no room for it. */
function openEntry(record: RequestRecord): Entry | null {
  const repeated = record.repeats === null ? undefined : repeatedEntries.get(record.id);
  if (repeated !== undefined) {
    if ((record.repeats ?? 0) > (repeated.record.repeats ?? 0)) repeated.record = record;
    return repeated;
  }
  if (!open.tryAdd(record)) return null;
  const entry: Entry = {
    record,
    writeStartedAt: Number.NEGATIVE_INFINITY,
    result: null,
    resolved: Promise.withResolvers(),
    acknowledged: false,
  };
  openEntries.add(entry);
  if (record.repeats !== null) repeatedEntries.set(record.id, entry);
  return entry;
}

/** Whether no other request is writing the entry. */
function canWrite(entry: Entry, now: number): boolean {
  return now - entry.writeStartedAt >= REWRITE_AFTER_MS;
}

/** Writes the records of all requests. Returns the saves of records whose own request was stopped. */
async function writeOpenEntries(
  db: D1Database,
  deadline: number,
  save: SaveRecord,
): Promise<Promise<void>[]> {
  const now = Date.now();
  const entries = [...openEntries].filter((entry) => canWrite(entry, now));
  for (const entry of entries) {
    entry.writeStartedAt = now;
    closeRepeated(entry);
  }
  const saves: Promise<void>[] = [];
  for (const batch of splitIntoBatches(entries, ({ record }) => boundRowJsonOctets(record))) {
    const records = batch.map(({ record }) => record);
    const insert = withRetry(() => insertRequests(db, records), { shouldRetry: isRetryable });
    await withTimeout(Math.max(1, deadline - Date.now()), insert).then(
      () => resolveEntries(batch, "written"),
      (error: unknown) => {
        resolveEntries(batch, { error });
        saves.push(saveUnacknowledged(batch, error, save));
      },
    );
  }
  return saves;
}

function resolveEntries(entries: readonly Entry[], result: NonNullable<Entry["result"]>): void {
  for (const entry of entries) {
    entry.result ??= result;
    entry.resolved.resolve();
    closeRepeated(entry);
    if (openEntries.delete(entry)) open.remove(entry.record);
  }
}

/** Makes later repeats open an entry of their own. */
function closeRepeated(entry: Entry): void {
  if (repeatedEntries.get(entry.record.id) === entry) repeatedEntries.delete(entry.record.id);
}

/** Saves the records of a failed batch whose own requests do not acknowledge the failure in time. */
async function saveUnacknowledged(batch: readonly Entry[], error: unknown, save: SaveRecord): Promise<void> {
  await scheduler.wait(ACKNOWLEDGE_TIMEOUT_MS);
  const unacknowledged = batch.filter(({ acknowledged }) => !acknowledged);
  await Promise.all(unacknowledged.map(({ record }) => save(record, error)));
}
