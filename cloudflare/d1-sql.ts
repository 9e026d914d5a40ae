import { getTableColumns, getTableName, type InferInsertModel } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";

/**
 * SQL text for `wrangler d1 execute --file`, which takes no parameters. Text other than plain words goes
 * in as hexadecimal: no quote, semicolon or line break of a file name can end a statement.
 */
export function toSqlLiteral(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError(`${value} has no place in a database`);
    // A whole number that float64 does not hold exactly would come back as an integer of its own.
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
  }
  if (typeof value !== "string") throw new TypeError(`no literal for ${typeof value}`);
  if (/^[A-Za-z0-9 .:@/_-]*$/.test(value)) return `'${value}'`;
  return `CAST(X'${Buffer.from(value).toString("hex")}' AS TEXT)`;
}

/** D1 refuses statements above 100 KB. */
const STATEMENT_BYTES = 90_000;

/** INSERT statements for some rows, each below D1's statement limit. */
export function toInsertStatements<Table extends SQLiteTable>(
  table: Table,
  rows: readonly InferInsertModel<Table>[],
): string[] {
  const columns = Object.entries(getTableColumns(table)) as [string, SQLiteColumn][];
  const head = `INSERT INTO "${getTableName(table)}" (${columns.map(([, column]) => `"${column.name}"`).join(", ")}) VALUES`;
  const tuples = rows.map((row) => {
    const values = columns.map(([key, column]) => {
      const value = (row as Record<string, unknown>)[key] ?? null;
      return toSqlLiteral(value === null ? null : column.mapToDriverValue(value));
    });
    return `(${values.join(", ")})`;
  });
  return toChunks(tuples, STATEMENT_BYTES - head.length).map((some) => `${head}\n${some.join(",\n")};`);
}

/** Splits texts into runs whose joined length stays below a limit. */
export function toChunks(texts: readonly string[], limit: number): string[][] {
  const chunks: string[][] = [];
  let size = limit;
  for (const text of texts) {
    if (size + text.length + 2 > limit) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)?.push(text);
    size += text.length + 2;
  }
  return chunks;
}
