/** What the commands do with the log, after their options are read. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Target } from "../../cloudflare/wrangler.ts";
import { DAY_MS, toDay } from "../../src/lib/time.ts";
import type { DayRange } from "./days.ts";
import { withDuckDB } from "./duckdb.ts";
import { type ExportedFiles, type ExportOptions, exportDays } from "./export.ts";
import { type CopyFolders, type DayFile, type ReportProgress, updateCopy, withCopy } from "./log-copy.ts";
import { withStoredLog } from "./open-log.ts";
import { openView, type QueryOptions, runQuery } from "./query.ts";

/** The log to use, and who is told while it is read. `progress` ends before the log is used. */
export interface LogOptions {
  readonly target: Target;
  readonly progress?: { readonly report: ReportProgress; readonly end: () => void };
}

/** Runs a query on the log of a target. */
export function queryLog(log: LogOptions, options: QueryOptions): Promise<void> {
  const { since, until } = options;
  const range = { from: toDay(since), before: Math.ceil(until / DAY_MS) };
  return useDays(log, range, (files, { days, temporary }) =>
    // A connection of its own: the view takes away its access to other files.
    withDuckDB(temporary, async (connection) => {
      await openView(connection, files, { since, until, folder: days });
      await runQuery(connection, options);
    }),
  );
}

/** Exports days of the log of a target. */
export function exportLog(log: LogOptions, options: ExportOptions): Promise<ExportedFiles> {
  return useDays(log, options.range, (files, _, connection) => exportDays(connection, files, options));
}

/** Brings the copy of the log up to date, and uses its files of some days. */
function useDays<Result>(
  { target, progress }: LogOptions,
  range: DayRange,
  use: (files: readonly DayFile[], folders: CopyFolders, connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> {
  return withCopy(target, (folders) =>
    withDuckDB(folders.temporary, async (connection) => {
      let files: readonly DayFile[];
      try {
        files = await withStoredLog(target, (log) =>
          updateCopy({ connection, log, folders }, range, progress?.report ?? (() => {})),
        );
      } finally {
        progress?.end();
      }
      return use(files, folders, connection);
    }),
  );
}
