/** Limits what a query reads from the log by the size of its rows: a row can have 2 MB. */
import { type Column, getTableColumns } from "drizzle-orm";
import { requests } from "./schema.ts";

/**
 * The SQL of the octets of a row in some columns. `octet_length` does not read a long text, and unlike `length` it
 * counts what follows a NUL.
 */
export function sumOctets(columns: readonly Pick<Column, "name" | "getSQLType">[]): string {
  const texts = columns.filter((column) => column.getSQLType() === "text");
  return texts.map(({ name }) => `coalesce(octet_length(${name}), 0)`).join(" + ");
}

/** The SQL of the octets of a whole row. */
export const ROW_OCTETS = sumOctets(Object.values(getTableColumns(requests)));

/**
 * The SQL of a query that adds the column `octetsBefore` to rows with the columns `id` and `octets`: the octets of
 * all rows before it. A page ends with the row that reaches its limit, so it has at least one row.
 */
export function addOctetsBefore(rows: string, order: "ASC" | "DESC"): string {
  return `SELECT *, sum(octets) OVER (ORDER BY id ${order}) - octets AS octetsBefore FROM (${rows})`;
}
