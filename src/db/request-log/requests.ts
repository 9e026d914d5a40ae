import { getTableColumns } from "drizzle-orm";
import { PAGE_COLUMNS, toPageSql } from "./page-sql.ts";
import { HOUR_COMPLETE_AFTER_MS, markHoursDirty, toHour } from "./rollup-hours.ts";
import { requests } from "./schema.ts";

/** A row of the log: a request and its response. Every column is required, so none is NULL by mistake. */
export type RequestRecord = typeof requests.$inferSelect;

const COLUMNS = Object.entries(getTableColumns(requests)).map(([key, { name, notNull }]) => ({
  key,
  name,
  notNull,
}));

const NULLS = Object.fromEntries(COLUMNS.filter(({ notNull }) => !notNull).map(({ key }) => [key, null]));

/** Adds the columns that an older version of the Worker did not know when it wrote a row to the archive. */
export function completeRecord(row: Pick<RequestRecord, "id"> & Partial<RequestRecord>): RequestRecord {
  return { ...NULLS, ...row } as RequestRecord;
}

/**
 * One statement with one parameter inserts all rows. It skips erased requests and existing rows, except that a row
 * of repeated requests keeps the highest number of repeats, in whatever order the numbers arrive.
 */
const INSERT = `INSERT INTO requests (${COLUMNS.map(({ name }) => name).join(", ")})
SELECT ${COLUMNS.map(({ key }) => `value ->> '$.${key}'`).join(", ")} FROM json_each(?1)
WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE forgotten.id = value ->> '$.id')
ON CONFLICT (id) DO UPDATE SET repeats = excluded.repeats WHERE excluded.repeats > coalesce(requests.repeats, 0)`;

/**
 * Inserts rows in one transaction. Idempotent. The hours of late rows are marked dirty, because they may be
 * counted already.
 */
export async function insertRequests(d1: D1Database, records: readonly RequestRecord[]): Promise<void> {
  const insert = d1.prepare(INSERT).bind(JSON.stringify(records));
  const now = Date.now();
  // Half of the time until the count is left for the insert itself.
  const late = records.filter(({ at }) => now - at > HOUR_COMPLETE_AFTER_MS / 2);
  if (late.length === 0) await insert.run();
  else await d1.batch([insert, markHoursDirty(d1, [...new Set(late.map(({ at }) => toHour(at)))])]);
}

const READ_PAGE = toPageSql({ after: "?1", before: "?2", rows: "?3", octets: "?4" });

/**
 * The first rows between two ids (both excluded), in order of time, and the bytes of their texts. The page ends with
 * the last row, at a number of rows, or with the row that reaches a number of bytes. Other rows are not loaded.
 */
export async function readRequests(
  d1: D1Database,
  range: { readonly after: string; readonly before: string },
  limit: { readonly rows: number; readonly bytes: number },
): Promise<{ rows: RequestRecord[]; bytes: number }> {
  const { results } = await d1
    .prepare(READ_PAGE)
    .bind(range.after, range.before, limit.rows, limit.bytes)
    .all<RequestRecord & { octets: number }>();
  let bytes = 0;
  const rows = results.map(({ octets, ...row }) => {
    bytes += octets;
    return row;
  });
  return { rows, bytes };
}

export async function readRequest(d1: D1Database, id: string): Promise<RequestRecord | null> {
  return d1.prepare(`SELECT ${PAGE_COLUMNS} FROM requests WHERE id = ?1`).bind(id).first<RequestRecord>();
}

/** The id of the oldest row. */
export async function findOldestId(d1: D1Database): Promise<string | null> {
  const row = await d1.prepare("SELECT id FROM requests ORDER BY id LIMIT 1").first<{ id: string }>();
  return row?.id ?? null;
}

/** Whether there is a row between two ids, both included. */
export async function hasRequests(d1: D1Database, first: string, last: string): Promise<boolean> {
  const query = d1.prepare("SELECT 1 FROM requests WHERE id >= ?1 AND id <= ?2 LIMIT 1").bind(first, last);
  return (await query.first()) !== null;
}

/** Deletes rows by their ids. Returns how many existed. */
export async function deleteRequests(d1: D1Database, ids: readonly string[]): Promise<number> {
  const { meta } = await d1
    .prepare("DELETE FROM requests WHERE id IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(ids))
    .run();
  return meta.changes;
}
