import { acquireLease, releaseLease } from "../../db/request-log/leases.ts";
import {
  deleteRequests,
  findOldestId,
  hasRequests,
  type RequestRecord,
  readRequests,
} from "../../db/request-log/requests.ts";
import { firstIdAt, timeOfId } from "../../domain/request-id.ts";
import {
  type ArchiveChunk,
  DAY_MS,
  dayOf,
  findChunksWith,
  listChunks,
  readChunk,
  writeChunk,
} from "./chunk.ts";
import { quarantineRow } from "./quarantine.ts";

/** A part ends with the page that brings it to either. */
const PART = { rows: 20_000, characters: 16_000_000 };
const PAGE = { rows: 1000, characters: 4_000_000 };
/**
 * A part is some 45 calls to databases and bucket. A run may make 1,000, of which counting takes its share:
 * see src/log/upkeep.ts.
 */
const MOST_PARTS = 9;
/** Rows of one DELETE. */
const CHUNK = 1000;

const LEASE = "archive";
/** Longer than a run of the cron can last, which is 15 minutes. */
const LEASE_MS = 20 * 60_000;

type Bindings = Pick<Env, "LOG_DB" | "MODELS" | "LOG_RETENTION_DAYS">;

/** The first day that stays in the database, counted from 1970. */
export function firstRetainedDay(
  { LOG_RETENTION_DAYS }: Pick<Env, "LOG_RETENTION_DAYS">,
  now: number,
): number {
  const days = Number(LOG_RETENTION_DAYS);
  if (!Number.isInteger(days) || days < 1)
    throw new Error(`LOG_RETENTION_DAYS must be a whole number from 1, not ${LOG_RETENTION_DAYS}`);
  return dayOf(now) - days;
}

/** Whether a request is old enough to be in the archive, or on its way there. */
export function isArchivable(env: Pick<Env, "LOG_RETENTION_DAYS">, id: string, now: number): boolean {
  const day = dayOfId(id);
  return day !== null && day < firstRetainedDay(env, now);
}

/**
 * Moves the days that are old enough from the database to the bucket, a part at a time. A row is deleted
 * when the part that has it was read back: cut off anywhere, the next run first deletes what a part has
 * already, so that each row is in one part or in the table. Returns how many rows it moved.
 */
export async function archiveOldDays(env: Bindings, now = Date.now()): Promise<number> {
  const kept = firstRetainedDay(env, now);
  const oldest = await findOldestId(env.LOG_DB);
  if (oldest === null || (dayOfId(oldest) ?? 0) >= kept) return 0;
  return (await withArchiveLease(env.LOG_DB, now, () => moveDays(env, kept))) ?? 0;
}

/** Does what nobody else may do to the archive meanwhile; null where somebody else does. */
export async function withArchiveLease<Result>(
  db: D1Database,
  now: number,
  work: () => Promise<Result>,
): Promise<Result | null> {
  const holder = crypto.randomUUID();
  if (!(await acquireLease(db, LEASE, { holder, until: now + LEASE_MS, now }))) return null;
  try {
    return await work();
  } finally {
    // Where this fails too, the lease ends by itself.
    await releaseLease(db, LEASE, holder).catch(() => {});
  }
}

async function moveDays(env: Bindings, kept: number): Promise<number> {
  const { LOG_DB, MODELS } = env;
  let moved = 0;
  let finished: number | undefined;
  for (let parts = 0; parts < MOST_PARTS; parts++) {
    const oldest = await findOldestId(LOG_DB);
    if (oldest === null) break;
    const day = dayOfId(oldest);
    if (day === null) {
      moved += await quarantineRow(env, oldest);
      continue;
    }
    if (day >= kept) break;
    if (day !== finished) {
      for (const part of await listChunks(MODELS, day)) {
        // The others have nothing that is still in the table.
        if (part.contents.last >= oldest) moved += await deleteArchived(LOG_DB, MODELS, part);
      }
      finished = day;
    }
    const part = await writeChunk(MODELS, rowsOf(env, day));
    if (part !== null) moved += await deleteArchived(LOG_DB, MODELS, part);
  }
  return moved;
}

/** The day of a request by its id, which is what the archive finds it by; null where the id holds no time. */
function dayOfId(id: string): number | null {
  const at = timeOfId(id);
  return at === null ? null : dayOf(at);
}

/** The first rows of a day that a part can take. */
async function* rowsOf(env: Bindings, day: number): AsyncGenerator<RequestRecord> {
  const before = firstIdAt((day + 1) * DAY_MS);
  let after = firstIdAt(day * DAY_MS);
  let [rows, characters] = [0, 0];
  while (rows < PART.rows && characters < PART.characters) {
    const page = await readRequests(env.LOG_DB, { after, before }, PAGE);
    for (const row of page) {
      if (dayOfId(row.id) === null) await quarantineRow(env, row.id);
      else yield row;
    }
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
    rows += page.length;
    for (const row of page) characters += (row.requestBody?.length ?? 0) + (row.responseBody?.length ?? 0);
  }
}

/** Deletes the rows that a part has, when it was read whole. */
async function deleteArchived(db: D1Database, bucket: R2Bucket, part: ArchiveChunk): Promise<number> {
  if (!(await hasRequests(db, part.contents.first, part.contents.last))) return 0;
  const ids: string[] = [];
  for await (const { id } of readChunk(bucket, part)) ids.push(id);
  let deleted = 0;
  for (let i = 0; i < ids.length; i += CHUNK) deleted += await deleteRequests(db, ids.slice(i, i + CHUNK));
  return deleted;
}

/** A request of the archive; null where it is in none of its parts. */
export async function findArchived(bucket: R2Bucket, id: string): Promise<RequestRecord | null> {
  for (const part of await findChunksWith(bucket, id)) {
    for await (const row of readChunk(bucket, part)) if (row.id === id) return row as RequestRecord;
  }
  return null;
}

/** Takes a request out of the archive; returns whether it was there. To be done {@link withArchiveLease}. */
export async function eraseArchived(bucket: R2Bucket, id: string): Promise<boolean> {
  for (const part of await findChunksWith(bucket, id)) {
    let found = false;
    for await (const row of readChunk(bucket, part)) found ||= row.id === id;
    if (!found) continue;
    if (part.contents.rows === "1") await bucket.delete(part.key);
    else await writeChunk(bucket, without(readChunk(bucket, part), id), part);
    return true;
  }
  return false;
}

async function* without(rows: AsyncIterable<{ readonly id: string }>, id: string) {
  for await (const row of rows) if (row.id !== id) yield row;
}
