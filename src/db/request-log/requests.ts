import { getTableColumns, type InferInsertModel } from "drizzle-orm";
import { HOUR_COMPLETE_AFTER_MS, hourOf, markHoursDirty } from "./rollup-hours.ts";
import { requests } from "./schema.ts";

/** A row of the log: a request and its response. */
export type RequestRecord = InferInsertModel<typeof requests>;

const COLUMNS = Object.entries(getTableColumns(requests)).map(([key, { name }]) => ({ key, name }));

/**
 * One statement and one parameter for any number of rows; a row that is there already stays as it is, and a
 * request that was forgotten stays forgotten.
 */
const INSERT = `INSERT INTO requests (${COLUMNS.map(({ name }) => name).join(", ")})
SELECT ${COLUMNS.map(({ key }) => `value ->> '$.${key}'`).join(", ")} FROM json_each(?1)
WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE forgotten.id = value ->> '$.id')
ON CONFLICT DO NOTHING`;

/**
 * Writes rows of the log in one transaction. Idempotent. Late ones have their hours counted again.
 */
export async function insertRequests(d1: D1Database, records: readonly RequestRecord[]): Promise<void> {
  const insert = d1.prepare(INSERT).bind(JSON.stringify(records));
  const now = Date.now();
  const late = records.filter(({ at }) => now - at > HOUR_COMPLETE_AFTER_MS / 2);
  if (late.length === 0) await insert.run();
  else await d1.batch([insert, markHoursDirty(d1, [...new Set(late.map(({ at }) => hourOf(at)))])]);
}

const SELECTED = COLUMNS.map(({ key, name }) => `${name} AS ${key}`).join(", ");

/**
 * Rows after an id and before another, in order of time: as many as come first and are not too large
 * together. None only where there are none.
 */
export async function readRequests(
  d1: D1Database,
  range: { readonly after: string; readonly before: string },
  most: { readonly rows: number; readonly characters: number },
): Promise<RequestRecord[]> {
  const { results } = await d1
    .prepare(
      `SELECT ${SELECTED} FROM (
         SELECT *, sum(coalesce(length(request_body), 0) + coalesce(length(response_body), 0))
           OVER (ORDER BY id) AS characters
         FROM (SELECT * FROM requests WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3))
       WHERE characters <= ?4 ORDER BY id`,
    )
    .bind(range.after, range.before, most.rows, most.characters)
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

export async function hasRequests(d1: D1Database, first: string, last: string): Promise<boolean> {
  const found = d1.prepare("SELECT 1 FROM requests WHERE id >= ?1 AND id <= ?2 LIMIT 1").bind(first, last);
  return (await found.first()) !== null;
}

/** Deletes rows by their ids; returns how many there were. */
export async function deleteRequests(d1: D1Database, ids: readonly string[]): Promise<number> {
  const { meta } = await d1
    .prepare("DELETE FROM requests WHERE id IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(ids))
    .run();
  return meta.changes;
}
