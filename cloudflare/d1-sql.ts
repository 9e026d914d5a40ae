import { getTableColumns, getTableName, type InferInsertModel } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";

/** Below D1's limit of 100 KB for a statement. */
const MAX_STATEMENT_BYTES = 90_000;
const MAX_LIST_BYTES = 80_000;

/**
 * The SQL literal of a value, because `wrangler d1 execute --file` takes no parameters. Text with special
 * characters is written in hexadecimal, so that no quote, semicolon or line break can end a statement.
 */
export function toSqlLiteral(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError(`a database cannot store ${value}`);
    // SQLite reads digits without an exponent as an integer. Above 2^53 that integer is not the same number.
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
  }
  if (typeof value !== "string") throw new TypeError(`no SQL literal for a value of type ${typeof value}`);
  if (/^[A-Za-z0-9 .:@/_-]*$/.test(value)) return `'${value}'`;
  return `CAST(X'${Buffer.from(value).toString("hex")}' AS TEXT)`;
}

/** INSERT statements for the rows of a table, each shorter than D1's limit for a statement. */
export function toInsertStatements<Table extends SQLiteTable>(
  table: Table,
  rows: readonly InferInsertModel<Table>[],
): string[] {
  const columns = Object.entries(getTableColumns(table)) as [string, SQLiteColumn][];
  const columnNames = columns.map(([, column]) => `"${column.name}"`).join(", ");
  const head = `INSERT INTO "${getTableName(table)}" (${columnNames}) VALUES`;
  const tuples = rows.map((row) => {
    const values = columns.map(([key, column]) => {
      const value = (row as Record<string, unknown>)[key] ?? null;
      return toSqlLiteral(value === null ? null : column.mapToDriverValue(value));
    });
    return `(${values.join(", ")})`;
  });
  const groups = groupBySize(tuples, MAX_STATEMENT_BYTES - head.length);
  return groups.map((group) => `${head}\n${group.join(",\n")};`);
}

/** Joins SQL literals to lists, as for `IN (...)`. Each list leaves room for the rest of its statement. */
export function joinLiterals(literals: readonly string[]): string[] {
  return groupBySize(literals, MAX_LIST_BYTES).map((group) => group.join(", "));
}

/** Groups texts in their order, so that each group is shorter than a limit when it is joined with ", ". */
export function groupBySize(texts: readonly string[], maxLength: number): string[][] {
  const groups: string[][] = [];
  let length = maxLength;
  for (const text of texts) {
    if (length + text.length + 2 > maxLength) {
      groups.push([]);
      length = 0;
    }
    groups.at(-1)?.push(text);
    length += text.length + 2;
  }
  return groups;
}
