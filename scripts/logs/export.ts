/** Writes days of the log as files for other engines. */
import { mkdir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { UserError } from "../../cloudflare/user-error.ts";
import { STORED_COLUMNS } from "./columns.ts";
import { type DayRange, parseFolderName, toFolderName } from "./days.ts";
import { quote } from "./duckdb.ts";
import type { DayFile } from "./log-copy.ts";

/** Text that a spreadsheet would run as a formula, as in src/lib/csv.ts. */
const FORMULA_START = "^[=+\\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]";

interface ExportFormat {
  readonly extension: string;
  readonly copyOptions: string;
  /** The SQL of a column. */
  toSql(column: { readonly name: string; readonly type: string }): string;
}

export const EXPORT_FORMATS: Readonly<Record<"parquet" | "csv" | "ndjson", ExportFormat>> = {
  // Bodies are text: not every engine knows the type JSON in Parquet.
  parquet: {
    extension: "parquet",
    copyOptions: "FORMAT parquet, COMPRESSION zstd",
    toSql: ({ name, type }) => (type === "JSON" ? `"${name}"::VARCHAR AS "${name}"` : `"${name}"`),
  },
  csv: {
    extension: "csv",
    copyOptions: "FORMAT csv, HEADER true, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%gZ'",
    toSql: ({ name, type }) =>
      type === "VARCHAR"
        ? `CASE WHEN regexp_matches("${name}", '${FORMULA_START}') THEN '''' || "${name}" ELSE "${name}" END AS "${name}"`
        : `"${name}"`,
  },
  ndjson: {
    extension: "ndjson",
    copyOptions: "FORMAT json, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%gZ'",
    toSql: ({ name }) => `"${name}"`,
  },
};

export type ExportFormatName = keyof typeof EXPORT_FORMATS;

export interface ExportOptions {
  readonly format: ExportFormatName;
  /** Folder of the files. */
  readonly out: string;
  readonly range: DayRange;
}

export interface ExportedFiles {
  readonly days: number;
  readonly rows: number;
  readonly bytes: number;
}

/**
 * Writes each day into a file of its own, `day=2026-11-01/requests.parquet`. A file appears under its name only when
 * it is complete, and replaces the one of an earlier export. Files of days that the log does not have any more are
 * deleted.
 * @throws UserError if the folder has an export in another format
 */
export async function exportDays(
  connection: DuckDBConnection,
  files: readonly DayFile[],
  {
    format,
    out,
    range,
  }: { readonly format: ExportFormatName; readonly out: string; readonly range: DayRange },
): Promise<ExportedFiles> {
  const { extension, copyOptions, toSql } = EXPORT_FORMATS[format];
  const name = `requests.${extension}`;
  await mkdir(out, { recursive: true });
  const earlierDays = await listEarlierDays(out, name);
  const columns = STORED_COLUMNS.map(toSql).join(", ");
  const written = new Set<number>();
  let [rows, bytes] = [0, 0];
  for (const { day, path } of files) {
    const folder = join(out, toFolderName(day));
    await mkdir(folder, { recursive: true });
    // Hive, Spark and Athena ignore files whose names begin with a dot.
    const incompletePath = join(folder, `.${name}.${process.pid}`);
    try {
      const source = `read_parquet(${quote(path)}, hive_partitioning = false)`;
      const copy = `COPY (SELECT ${columns} FROM ${source}) TO ${quote(incompletePath)} (${copyOptions})`;
      const { rowsChanged } = await connection.run(copy);
      if (rowsChanged === 0) continue;
      rows += rowsChanged;
      bytes += (await stat(incompletePath)).size;
      await rename(incompletePath, join(folder, name));
      written.add(day);
    } finally {
      await rm(incompletePath, { force: true });
      await removeEmptyFolder(folder);
    }
  }
  for (const day of earlierDays)
    if (day >= range.from && day < range.before && !written.has(day)) {
      await rm(join(out, toFolderName(day), name));
      await removeEmptyFolder(join(out, toFolderName(day)));
    }
  return { days: written.size, rows, bytes };
}

async function removeEmptyFolder(folder: string): Promise<void> {
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST" && error.code !== "ENOENT") throw error;
  });
}

/** The days of an earlier export into this folder. */
async function listEarlierDays(out: string, name: string): Promise<number[]> {
  const days: number[] = [];
  for (const folderName of await readdir(out)) {
    const day = parseFolderName(folderName);
    if (day === null) continue;
    const names = await readdir(join(out, folderName));
    const other = names.find((file) => file.startsWith("requests.") && file !== name);
    if (other !== undefined)
      throw new UserError(
        `--out must be another folder for this format: ${join(out, folderName, other)} is an export in another one`,
      );
    if (names.includes(name)) days.push(day);
  }
  return days;
}
