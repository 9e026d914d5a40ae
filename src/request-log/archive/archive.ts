import {
  deleteRequests,
  findOldestId,
  hasRequests,
  type RequestRecord,
  readRequests,
} from "../../db/request-log/requests.ts";
import { firstIdAt, getIdDay } from "../../domain/request-id.ts";
import { DAY_MS } from "../../lib/time.ts";
import {
  ARCHIVE_CHUNK_SIZE,
  ARCHIVE_PAGE_SIZE,
  ARCHIVE_ROWS_PER_DELETE,
  MAX_ARCHIVE_CHUNKS_PER_RUN,
} from "../../settings/call-budgets.ts";
import { quarantineRow } from "../quarantine.ts";
import { getFirstRetainedDay } from "../retained-days.ts";
import { type ArchiveChunk, listChunks } from "./chunk.ts";
import { ARCHIVE_LEASE_MS, withArchiveLease } from "./lease.ts";
import { readChunkIds } from "./read-chunk.ts";
import { writeChunk } from "./write-chunk.ts";

type Bindings = Pick<Env, "LOG_DB" | "MODELS" | "LOG_RETENTION_DAYS">;

/**
 * Moves the days before the retention period from the database to the bucket, chunk by chunk. Returns how
 * many rows it moved.
 *
 * Rows are deleted only after the chunk that has them was read back. If a run is stopped, the next run first
 * deletes the rows that a chunk already has, so that no row is in two chunks.
 */
export async function archiveOldDays(env: Bindings, now = Date.now()): Promise<number> {
  const firstRetained = getFirstRetainedDay(env, now);
  const oldest = await findOldestId(env.LOG_DB);
  if (oldest === null || (getIdDay(oldest) ?? 0) >= firstRetained) return 0;
  return (
    (await withArchiveLease(env.LOG_DB, { now, ms: ARCHIVE_LEASE_MS }, () => moveDays(env, firstRetained))) ??
    0
  );
}

async function moveDays(env: Bindings, firstRetained: number): Promise<number> {
  const { LOG_DB, MODELS } = env;
  let movedRows = 0;
  /** The last day for which rows of an interrupted run were deleted. */
  let checkedDay: number | undefined;
  for (let chunks = 0; chunks < MAX_ARCHIVE_CHUNKS_PER_RUN; chunks++) {
    const oldest = await findOldestId(LOG_DB);
    if (oldest === null) break;
    const day = getIdDay(oldest);
    if (day === null) {
      movedRows += await quarantineRow(env, oldest);
      continue;
    }
    if (day >= firstRetained) break;
    if (day !== checkedDay) {
      for (const chunk of await listChunks(MODELS, day)) {
        // All rows of earlier chunks are deleted already.
        if (chunk.contents.last >= oldest) movedRows += await deleteArchivedRows(LOG_DB, MODELS, chunk);
      }
      checkedDay = day;
    }
    const chunk = await writeChunk(MODELS, readChunkRows(env, day));
    if (chunk !== null) movedRows += await deleteArchivedRows(LOG_DB, MODELS, chunk);
  }
  return movedRows;
}

/** The first rows of a day, as many as one chunk takes. */
async function* readChunkRows(env: Bindings, day: number): AsyncGenerator<RequestRecord> {
  const before = firstIdAt((day + 1) * DAY_MS);
  let after = firstIdAt(day * DAY_MS);
  let [rows, bytes] = [0, 0];
  while (rows < ARCHIVE_CHUNK_SIZE.rows && bytes < ARCHIVE_CHUNK_SIZE.bytes) {
    const page = await readRequests(env.LOG_DB, { after, before }, ARCHIVE_PAGE_SIZE);
    for (const row of page.rows) {
      if (getIdDay(row.id) === null) await quarantineRow(env, row.id);
      else yield row;
    }
    const last = page.rows.at(-1);
    if (last === undefined) return;
    after = last.id;
    rows += page.rows.length;
    bytes += page.bytes;
  }
}

/** Deletes the rows of a chunk after it was read to its end without an error. */
async function deleteArchivedRows(db: D1Database, bucket: R2Bucket, chunk: ArchiveChunk): Promise<number> {
  if (!(await hasRequests(db, chunk.contents.first, chunk.contents.last))) return 0;
  const ids = await readChunkIds(bucket, chunk);
  let deleted = 0;
  for (let i = 0; i < ids.length; i += ARCHIVE_ROWS_PER_DELETE)
    deleted += await deleteRequests(db, ids.slice(i, i + ARCHIVE_ROWS_PER_DELETE));
  return deleted;
}
