/**
 * Asks a log of a year with SQL: 90 days in the database and the rest in the archive (npm run logs -- query and export).
 *
 *   npm run bench -- logs                     3,000,000 requests
 *   npm run bench -- logs --rows 300000
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { applyMigrations } from "../../cloudflare/d1.ts";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import { LOG_DATABASE } from "../../cloudflare/worker-config.ts";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { getCopyFolder } from "../../scripts/logs/log-copy.ts";
import { EXAMPLES } from "../../scripts/logs/schema.ts";
import { PAGE_COLUMNS } from "../../src/db/request-log/page-sql.ts";
import { firstIdAt } from "../../src/domain/request-id.ts";
import { DAY_MS } from "../../src/lib/time.ts";
import { fillLog } from "../server/fill-log.ts";
import { Benchmark } from "../support/benchmark.ts";
import { formatNumber } from "../support/results.ts";
import { openStateDatabase } from "../support/state-database.ts";
import { archiveRows } from "./archive-rows.ts";

const DEFAULT_ROWS = 3_000_000;
const YEAR_DAYS = 365;
const TABLE_DAYS = 90;
const QUOTES = EXAMPLES[0]!.sql;
/** The same question to D1, whose SQL is SQLite's. */
const QUOTES_D1 = `SELECT date(at / 1000, 'unixepoch') AS day, upper(request_body ->> 'clarity') AS clarity, count(*) AS quotes,
  round(avg(price)) AS price FROM requests WHERE route = '/v1/predictions' AND status = 200 GROUP BY 1, 2 ORDER BY 1, 2`;

/** Prints the most memory that the process had, bytes. */
const REPORT_MEMORY = `data:text/javascript,process.on("exit",()=>console.error("peak "+process.resourceUsage().maxRSS*1024))`;

const benchmark = new Benchmark("logs");
await benchmark.run(measureLogs);

async function measureLogs(): Promise<void> {
  const rows = benchmark.getNumber("rows", DEFAULT_ROWS);
  const state = join(benchmark.scratch, "state");
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  await fillYear(state, rows, today);
  const copy = getCopyFolder({ kind: "local", state });
  process.on("exit", () => rmSync(copy, { recursive: true, force: true }));

  const since = new Date(today - TABLE_DAYS * DAY_MS).toISOString().slice(0, 10);
  const out = join(benchmark.scratch, "export");
  const tableRows = Math.round((rows * TABLE_DAYS) / YEAR_DAYS);
  const cases: [name: string, rows: number, args: string[]][] = [
    ["first query: quotes by day and clarity", rows, ["query", QUOTES, "--format", "csv"]],
    ["second query, the same", rows, ["query", QUOTES, "--format", "csv"]],
    ["the same of the last 90 days", tableRows, ["query", QUOTES, "--format", "csv", "--since", since]],
    ["number of rows", rows, ["query", "SELECT count(*) AS n FROM requests", "--format", "csv"]],
    ["export as Parquet", rows, ["export", "--out", out]],
    ["export as Parquet again", rows, ["export", "--out", out]],
  ];
  const results: string[][] = [];
  for (const [name, count, args] of cases) {
    const { seconds, peakBytes, output } = await runLogs(state, args);
    if (name === "number of rows")
      benchmark.require(output === `n\r\n${rows}\r\n`, `the log has ${output} instead of ${rows} rows`);
    results.push([
      name,
      formatNumber(seconds),
      formatNumber(count / seconds),
      formatNumber(peakBytes / 2 ** 20),
    ]);
  }
  results.push(["90 days in D1, by its own SQL", ...(await measureD1(state, tableRows)), ""]);
  benchmark.addTable({
    title: `A log of ${formatNumber(rows)} requests: ${TABLE_DAYS} days in the database, ${YEAR_DAYS - TABLE_DAYS} in the archive`,
    head: ["", "s", "rows/s", "memory MiB"],
    rows: results,
  });
}

/** Fills the archive and the database. */
async function fillYear(state: string, rows: number, today: number): Promise<void> {
  await applyMigrations({ kind: "local", state }, [LOG_DATABASE]);
  const archivedRows = rows - Math.round((rows * TABLE_DAYS) / YEAR_DAYS);
  const [from, to] = [today - YEAR_DAYS * DAY_MS, today - TABLE_DAYS * DAY_MS];
  console.log(`filling ${rows} rows`);
  await withLocalBindings(state, ({ LOG_DB }) => fillLog(LOG_DB, { count: archivedRows, from, to }));
  const database = openStateDatabase(state, "requests");
  const day = database.prepare(`SELECT ${PAGE_COLUMNS} FROM requests WHERE id > ? AND id < ? ORDER BY id`);
  await withLocalBindings(state, async ({ MODELS }) => {
    for (let at = from; at < to; at += DAY_MS) {
      const range = [firstIdAt(at), firstIdAt(at + DAY_MS)] as const;
      await archiveRows(MODELS, day.all(...range) as unknown as { id: string }[]);
    }
  });
  database.exec("DELETE FROM requests");
  database.close();
  await withLocalBindings(state, ({ LOG_DB }) =>
    fillLog(LOG_DB, { count: rows - archivedRows, from: to, to: today }),
  );
}

/** Returns the seconds and the rows per second. */
async function measureD1(state: string, rows: number): Promise<string[]> {
  return withLocalBindings(state, async ({ LOG_DB }) => {
    const startedAt = performance.now();
    await LOG_DB.prepare(QUOTES_D1).all();
    const seconds = (performance.now() - startedAt) / 1000;
    return [formatNumber(seconds), formatNumber(rows / seconds)];
  });
}

async function runLogs(state: string, args: readonly string[]) {
  const startedAt = performance.now();
  const script = join(REPOSITORY_ROOT, "scripts/logs.ts");
  const child = spawn(process.execPath, ["--import", REPORT_MEMORY, script, "--state", state, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [output, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`${args[0]}: ${errors}`);
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, output, peakBytes: Number(/peak (\d+)/.exec(errors)?.[1]) };
}
