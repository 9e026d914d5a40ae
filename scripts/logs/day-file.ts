/** Parquet files of the copy, one for each day. */
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { STORED_COLUMNS } from "./columns.ts";
import { writeArchivedRows, writeTableRows } from "./day-rows.ts";
import { formatDay } from "./days.ts";
import { quote, quoteList } from "./duckdb.ts";
import type { StoredDay } from "./stored-days.ts";
import type { StoredLog } from "./stored-log.ts";

const JSON_COLUMNS = STORED_COLUMNS.map(({ key, jsonType }) => `'${key}': '${jsonType}'`).join(", ");
const VALUES = STORED_COLUMNS.map(({ name, type, sql }) => `(${sql})::${type} AS "${name}"`).join(", ");

/** Reads a day from the log and writes it as a Parquet file. Each request is in it once. */
export async function writeDay(
  connection: DuckDBConnection,
  log: StoredLog,
  {
    day,
    stored,
    folder,
    path,
  }: {
    readonly day: number;
    readonly stored: StoredDay;
    /** For temporary files. */
    readonly folder: string;
    readonly path: string;
  },
): Promise<void> {
  const name = join(folder, formatDay(day));
  const [tablePath, archivePath] = [`${name}.table.ndjson`, `${name}.archive.ndjson`];
  try {
    const tableRows = stored.isInTable ? await writeTableRows(log, day, tablePath) : 0;
    const { rows: archivedRows, mayOverlap } = await writeArchivedRows(log, day, archivePath);
    const sources = [...(archivedRows > 0 ? [archivePath] : []), ...(tableRows > 0 ? [tablePath] : [])];
    const isDouble = sources.length > 1 || mayOverlap;
    const rows =
      sources.length === 0
        ? `SELECT ${VALUES} FROM (SELECT ${STORED_COLUMNS.map(({ key, jsonType }) => `NULL::${jsonType} AS "${key}"`).join(", ")}) WHERE false`
        : `SELECT ${VALUES} FROM read_json(${quoteList(sources)}, format = 'newline_delimited', columns = {${JSON_COLUMNS}})`;
    const once = isDouble ? " QUALIFY row_number() OVER (PARTITION BY id ORDER BY repeats DESC) = 1" : "";
    await writeParquet(connection, `${rows}${once}`, `${name}.parquet`, path);
  } finally {
    // Now, because those of a whole log are many times as large as its copy.
    await Promise.all([tablePath, archivePath].map((source) => rm(source, { force: true })));
  }
}

/** Writes the file again without some requests. Returns whether it had one of them. */
export async function removeRequests(
  connection: DuckDBConnection,
  { path, ids, folder }: { readonly path: string; readonly ids: readonly string[]; readonly folder: string },
): Promise<boolean> {
  const erased = `id IN (SELECT unnest(${quoteList(ids)}))`;
  const found = await connection.runAndReadAll(
    `SELECT 1 FROM read_parquet(${quote(path)}) WHERE ${erased} LIMIT 1`,
  );
  if (found.currentRowCount === 0) return false;
  const rows = `SELECT * FROM read_parquet(${quote(path)}, hive_partitioning = false) WHERE NOT (${erased})`;
  await writeParquet(connection, rows, join(folder, "erase.parquet"), path);
  return true;
}

/** A file appears under its name only when it is complete. */
async function writeParquet(
  connection: DuckDBConnection,
  rows: string,
  incompletePath: string,
  path: string,
): Promise<void> {
  await connection.run(`COPY (${rows}) TO ${quote(incompletePath)} (FORMAT parquet, COMPRESSION zstd)`);
  await rename(incompletePath, path);
}
