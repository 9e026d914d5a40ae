import { getTableColumns } from "drizzle-orm";
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

/** One statement with one parameter inserts all rows. It skips existing rows and erased requests. */
const INSERT = `INSERT INTO requests (${COLUMNS.map(({ name }) => name).join(", ")})
SELECT ${COLUMNS.map(({ key }) => `value ->> '$.${key}'`).join(", ")} FROM json_each(?1)
WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE forgotten.id = value ->> '$.id')
ON CONFLICT DO NOTHING`;

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

const SELECTED = COLUMNS.map(({ key, name }) => `${name} AS ${key}`).join(", ");

/**
 * The first rows between two ids (both excluded), in order of time, up to a number of rows and a number of
 * characters in their bodies. It is empty only if there are no such rows.
 */
export async function readRequests(
  d1: D1Database,
  range: { readonly after: string; readonly before: string },
  limit: { readonly rows: number; readonly characters: number },
): Promise<RequestRecord[]> {
  const { results } = await d1
    .prepare(
      `SELECT ${SELECTED} FROM (
         SELECT *, sum(coalesce(length(request_body), 0) + coalesce(length(response_body), 0))
           OVER (ORDER BY id) AS characters
         FROM (SELECT * FROM requests WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3))
       WHERE characters <= ?4 ORDER BY id`,
    )
    .bind(range.after, range.before, limit.rows, limit.characters)
    .all<RequestRecord>();
  return results;
}

export async function readRequest(d1: D1Database, id: string): Promise<RequestRecord | null> {
  return d1.prepare(`SELECT ${SELECTED} FROM requests WHERE id = ?1`).bind(id).first<RequestRecord>();
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
