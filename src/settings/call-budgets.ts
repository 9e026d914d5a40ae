/**
 * How many calls to databases and the bucket each scheduled job may make. The jobs of one cron trigger share
 * the limit of a run, and a test adds them up.
 */
import { MINUTE_MS } from "../lib/time.ts";

/** Cloudflare's limits of one cron run. A database statement and a bucket operation are one call each. */
export const CRON_RUN_LIMITS = { calls: 1_000, ms: 15 * MINUTE_MS } as const;

/** The cron expressions in wrangler.toml. */
export const EVERY_MINUTE = "* * * * *";
export const EVERY_FIVE_MINUTES = "*/5 * * * *";
/** Between the runs of {@link EVERY_FIVE_MINUTES}, because both write the archive. */
export const BETWEEN_FIVE_MINUTES = "2-59/5 * * * *";
type CronTrigger = typeof EVERY_MINUTE | typeof EVERY_FIVE_MINUTES | typeof BETWEEN_FIVE_MINUTES;

/** For draining dead-letter records. A run ends before the run of the next minute starts. */
export const DRAIN_BUDGET = { calls: 900, ms: 45_000 } as const;
/** Calls of {@link DRAIN_BUDGET} that are kept for writing and deleting the records that a run has read. */
export const DRAIN_RESERVED_CALLS = 50;

/** The most calls for comparing the copy of the registry with the registry, and for writing it again. */
const REGISTRY_COPY_CALLS = {
  listCopies: 1,
  readRegistry: 4,
  readCopy: 1,
  raiseRevision: 5,
  writeCopy: 1,
  deleteOldCopies: 1,
} as const;
/** Draining waits for this job in the same run. */
export const REGISTRY_COPY_TIMEOUT_MS = 10_000;

/** For counting the requests of each hour. */
export const ROLLUP_BUDGET = { calls: 500, ms: MINUTE_MS } as const;

/** An archive chunk is full when it has this many rows, or this many bytes in their texts. */
export const ARCHIVE_CHUNK_SIZE = { rows: 20_000, bytes: 8_000_000 } as const;
/** The most that one query reads from the log for the archive. It ends with the row that reaches the bytes. */
export const ARCHIVE_PAGE_SIZE = { rows: 1_000, bytes: 2_000_000 } as const;
export const ARCHIVE_ROWS_PER_DELETE = 1_000;
export const MAX_ARCHIVE_CHUNKS_PER_RUN = 9;

/** The last page can make a chunk larger than its size. Deleting the rows then takes one more statement. */
const DELETES_PER_CHUNK = ARCHIVE_CHUNK_SIZE.rows / ARCHIVE_ROWS_PER_DELETE + 1;

/** The most calls for one archive chunk. */
const ARCHIVE_CHUNK_CALLS = {
  findOldestRow: 1,
  listChunks: 1,
  // A page ends at its number of rows or at its number of bytes.
  readPages:
    ARCHIVE_CHUNK_SIZE.rows / ARCHIVE_PAGE_SIZE.rows + ARCHIVE_CHUNK_SIZE.bytes / ARCHIVE_PAGE_SIZE.bytes,
  writeChunk: 1,
  checkRows: 1,
  readChunk: 1,
  deleteRows: DELETES_PER_CHUNK,
} as const;

/** The most calls of an archive run in addition to those for its chunks. */
const ARCHIVE_RUN_CALLS = {
  findOldestRow: 1,
  acquireLease: 1,
  releaseLease: 1,
  // For a chunk that an earlier run wrote to the bucket, if that run was stopped before it deleted the rows.
  finishInterruptedChunk: 2 + DELETES_PER_CHUNK,
} as const;

/** Its objects are deleted with one call. */
export const MAX_ERASED_IDS_PER_RUN = 300;
/** Deleting expired ids of erased requests: list the ids, delete late objects, delete the ids. */
const ERASED_IDS_CALLS = 3;

/**
 * For erasing: what a request may use, and what a run of the job may use for all erasures. `archivedRows` are
 * the rows of the chunks that are read and written again, because they take computing time.
 */
export const ERASE_REQUEST_BUDGET = { calls: 500, ms: 20_000, archivedRows: 200_000 } as const;
export const ERASE_JOB_BUDGET = { calls: 950, ms: MINUTE_MS, archivedRows: 600_000 } as const;
/** How long an erasure that was stopped blocks the archive. It is longer than an erasure can take. */
export const ERASE_LEASE_MS = 2 * MINUTE_MS;
/** How many outcome requests are listed and erased together, and how many of these pages a run takes. */
export const ERASE_PAGE = { ids: 5_000, perRun: 4 } as const;
/** The bucket deletes at most this many objects in one call. */
export const MAX_OBJECTS_PER_DELETE = 1_000;
/** A request can have three objects. */
export const OBJECTS_PER_REQUEST = 3;
/** How many days of the archive are processed before their outcomes are deleted. */
export const ERASE_DAYS_PER_STEP = 10;

/** The most calls of an erasure before its outcome requests. */
const ERASE_START_CALLS = {
  startOrPostpone: 1,
  recordIds: 1,
  findObjects: OBJECTS_PER_REQUEST,
  deleteObjects: 1,
  deleteRow: 1,
  deleteReportedOutcome: 2,
} as const;
/** The most calls for a page of outcome requests. */
const ERASE_PAGE_CALLS = {
  listIds: 1,
  recordIds: 1,
  deleteObjects: Math.ceil((ERASE_PAGE.ids * OBJECTS_PER_REQUEST) / MAX_OBJECTS_PER_DELETE),
  deleteRows: 1,
  deleteOutcomes: 2,
} as const;
/** Calls that are kept for the end of an erasure. */
const ERASE_END_CALLS = { lease: 2, deleteOutcomes: 2, endErasure: 2 } as const;
/** Reading a chunk and writing it again. */
export const ERASE_CHUNK_CALLS = 2;

/** An erasure takes the next step only if the budget has the calls of the step and of the end. */
export const ERASE_STEP_CALLS = {
  start: sum(ERASE_START_CALLS) + sum(ERASE_END_CALLS),
  page: sum(ERASE_PAGE_CALLS) + sum(ERASE_END_CALLS),
  day: 1 + sum(ERASE_END_CALLS),
  chunk: ERASE_CHUNK_CALLS + sum(ERASE_END_CALLS),
} as const;
/** The job lists this many erasures in a run. */
export const MAX_ERASURES_PER_RUN = 100;

/** The jobs in the order in which they run. Draining can use up most of a run, so few jobs share its trigger. */
export const JOB_BUDGETS = {
  repairRegistryCopy: { cron: EVERY_MINUTE, calls: sum(REGISTRY_COPY_CALLS) },
  drainDeadLetters: { cron: EVERY_MINUTE, calls: DRAIN_BUDGET.calls },
  rollUp: { cron: EVERY_FIVE_MINUTES, calls: ROLLUP_BUDGET.calls },
  archiveOldDays: {
    cron: EVERY_FIVE_MINUTES,
    calls: sum(ARCHIVE_RUN_CALLS) + MAX_ARCHIVE_CHUNKS_PER_RUN * sum(ARCHIVE_CHUNK_CALLS),
  },
  deleteExpiredErasedIds: { cron: EVERY_FIVE_MINUTES, calls: ERASED_IDS_CALLS },
  continueErasures: { cron: BETWEEN_FIVE_MINUTES, calls: ERASE_JOB_BUDGET.calls },
} as const satisfies Record<string, { readonly cron: CronTrigger; readonly calls: number }>;

export type JobName = keyof typeof JOB_BUDGETS;

function sum(calls: Readonly<Record<string, number>>): number {
  return Object.values(calls).reduce((total, count) => total + count, 0);
}
