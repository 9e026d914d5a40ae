import { getTableColumns } from "drizzle-orm";
import { addOctetsBefore, ROW_OCTETS } from "./row-octets.ts";
import { requests } from "./schema.ts";

/** All columns of a request, by the names of its record. */
export const PAGE_COLUMNS = Object.entries(getTableColumns(requests))
  .map(([key, { name }]) => `${name} AS ${key}`)
  .join(", ");

/** The SQL of each value: a placeholder or a literal. */
export interface PageSqlValues {
  /** Id before the first row, and id after the last row. */
  readonly after: string;
  readonly before: string;
  /** The most rows, and the octets of text that end the page. */
  readonly rows: string;
  readonly octets: string;
}

/**
 * The SQL of the first rows between two ids, in order of time, with their `octets`. The page ends with the last row,
 * at a number of rows, or with the row that reaches a number of octets. Other rows are not loaded.
 */
export function toPageSql({ after, before, rows, octets }: PageSqlValues): string {
  const scan = `SELECT id, ${ROW_OCTETS} AS octets FROM requests WHERE id > ${after} AND id < ${before} ORDER BY id LIMIT ${rows}`;
  return `SELECT ${PAGE_COLUMNS}, ${ROW_OCTETS} AS octets FROM requests
WHERE id > ${after} AND id <= (SELECT max(id) FROM (${addOctetsBefore(scan, "ASC")}) WHERE octetsBefore < ${octets})
ORDER BY id`;
}
