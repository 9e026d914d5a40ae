import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { archiveRows } from "../../../bench/logs/archive-rows.ts";
import { withLocalBindings } from "../../../cloudflare/local-bindings.ts";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";
import { type DayRange, toFolderName } from "../../../scripts/logs/days.ts";
import { withDuckDB } from "../../../scripts/logs/duckdb.ts";
import { getCopyFolder, updateCopy, withCopy } from "../../../scripts/logs/log-copy.ts";
import { withStoredLog } from "../../../scripts/logs/open-log.ts";
import { EXAMPLES } from "../../../scripts/logs/schema.ts";
import type { StoredLog } from "../../../scripts/logs/stored-log.ts";
import { exportLog } from "../../../scripts/logs/use-log.ts";
import { PAGE_COLUMNS } from "../../../src/db/request-log/page-sql.ts";
import { firstIdAt } from "../../../src/domain/request-id.ts";
import { DAY_MS, toDay } from "../../../src/lib/time.ts";
import { toDayPrefix } from "../../../src/request-log/archive/chunk-contents.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { type ArchivedLog, createArchivedLog, queryLogs, runLogs, sum } from "./archived-log.ts";

const ROWS = 200_000;
/** Requests of this test itself are newer. */
const FILLED = "user_agent = 'bench'";

const folder = createScratchFolder();
let log: ArchivedLog;

beforeAll(async () => {
  log = await createArchivedLog(folder.path, ROWS);
});

afterAll(async () => {
  await log.server.stop("SIGKILL");
  rmSync(getCopyFolder({ kind: "local", state: log.state }), { recursive: true, force: true });
  folder.remove();
});

const query = (sql: string, range = {}) => queryLogs(log.state, sql, range);
const exportAll = (out: string) => exportDays(out, { from: 0, before: 1e6 });
const exportDays = (out: string, range: DayRange) =>
  exportLog({ target: { kind: "local", state: log.state } }, { format: "parquet", out, range });
const countAll = async () => (await query(`SELECT count(*) AS n FROM requests WHERE ${FILLED}`))[0]?.n;

/** Reads Parquet files with another DuckDB, as another program would. */
async function readParquet(sql: string): Promise<Record<string, unknown>[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
  }
}

const countInFiles = async (pattern: string, condition: string) => {
  const [row] = await readParquet(`SELECT count(*) AS n FROM read_parquet('${pattern}') WHERE ${condition}`);
  return Number(row?.n);
};

describe("npm run logs -- query", () => {
  test("counts the same as the API's export before half of the rows were archived", async () => {
    expect(sum(log.counts)).toBe(ROWS);
    expect(log.rowsInTable / ROWS).toBeCloseTo(0.5, 1);
    const rows = await query(
      `SELECT concat_ws(' ', day, coalesce(route, 'null'), status) AS name, count(*) AS n, count(DISTINCT id) AS ids,
         count(*) FILTER (day = arrived_at::DATE) AS on_day FROM requests WHERE ${FILLED} GROUP BY name`,
    );
    expect(new Map(rows.map(({ name, n }) => [name, n]))).toEqual(log.counts);
    for (const { n, ids, on_day } of rows) expect([ids, on_day]).toEqual([n, n]);
  });

  test("reads bodies as JSON, in a range of time", async () => {
    const [row] = await query(
      `SELECT count(*) AS n, sum((response_body->>'$.price')::INT) = sum(price - 300) AS same FROM requests
       WHERE ${FILLED} AND (request_body->>'cut') = 'Ideal' AND status = 200`,
      { since: Date.parse(daysAgo(7)), until: Date.parse(daysAgo(6)) },
    );
    const expected = [...log.counts].filter(([name]) => name.startsWith(`${daysAgo(7)} /v1/predictions 200`));
    expect(row).toEqual({ n: sum(new Map(expected)), same: true });
  });

  test("says that ->> needs parentheses", async () => {
    const sql = "SELECT id FROM requests WHERE status = 200 AND request_body->>'cut' = 'Ideal'";
    await expect(query(sql)).rejects.toThrow("Write -> and ->> in parentheses");
  });

  test("runs the examples of its help", async () => {
    for (const { sql } of EXAMPLES) expect(await query(sql)).not.toEqual([]);
  });

  test("has each row once while a day is being archived", async () => {
    await withLocalBindings(log.state, async ({ LOG_DB, MODELS }) => {
      const { objects } = await MODELS.list({ prefix: "log-archive/" });
      const chunk = await MODELS.get(objects[0]!.key);
      const lines = gunzipSync(Buffer.from(await chunk!.arrayBuffer()))
        .toString()
        .split("\n");
      // As if the archive job had been stopped after it had written the object and deleted some of its rows.
      const rows = lines.slice(2_000, 5_000).map((line) => JSON.parse(line));
      await LOG_DB.prepare(
        `INSERT INTO requests (id, at, method, path, status, duration_ms, user_agent)
         SELECT value ->> 'id', value ->> 'at', value ->> 'method', value ->> 'path', value ->> 'status',
           value ->> 'durationMs', value ->> 'userAgent' FROM json_each(?1)`,
      )
        .bind(JSON.stringify(rows))
        .run();
    });
    expect(await countAll()).toBe(ROWS);
    // The archive job deletes them again.
    await fetch(`${log.server.url}/cdn-cgi/handler/scheduled`);
    expect(await countAll()).toBe(ROWS);
  });

  test("has each row once if its day is archived while it is read", async () => {
    const target = { kind: "local", state: log.state } as const;
    const day = toDay(Date.parse(daysAgo(3)));
    const pattern = `${firstIdAt(day * DAY_MS)}|${toDayPrefix(day)}`;
    let isMoved = false;
    const rows = await withCopy(target, (folders) =>
      withDuckDB(folders.temporary, (connection) =>
        withStoredLog(target, async (stored) => {
          /** Moves the day when the first call for it has returned. */
          const moveAfter = async <Result>(text: string, result: Promise<Result>) => {
            await result;
            if (!isMoved && new RegExp(pattern).test(text)) {
              isMoved = true;
              await moveDay(day);
            }
            return result;
          };
          const moving: StoredLog = {
            query: (sql) => moveAfter(sql, stored.query(sql)),
            listArchive: (prefix) => moveAfter(prefix, stored.listArchive(prefix)),
            getObject: stored.getObject,
          };
          const range = { from: day, before: day + 1 };
          await deleteDay(folders.days, day);
          const [file] = await updateCopy({ connection, log: moving, folders }, range, () => {});
          const sql = `SELECT count(*) AS n, count(DISTINCT id) AS ids FROM '${file?.path}'`;
          return (await connection.runAndReadAll(sql)).getRowObjectsJson();
        }),
      ),
    );
    expect(isMoved).toBe(true);
    const expected = String(sum(new Map([...log.counts].filter(([name]) => name.startsWith(daysAgo(3))))));
    expect(rows).toEqual([{ n: expected, ids: expected }]);
    expect(await countAll()).toBe(ROWS);
  });

  test("forgets erased requests, also in the copy on this machine and in files of an export", async () => {
    const out = join(folder.path, "erased");
    const copies = join(getCopyFolder({ kind: "local", state: log.state }), "*/day=*/*.parquet");
    const exported = join(out, "day=*/*.parquet");
    const [archived, current] = await Promise.all([8, 2].map(findId));
    const isErased = `id IN ('${archived}', '${current}')`;
    await exportAll(out);
    expect(await countInFiles(copies, isErased)).toBe(2);
    expect(await countInFiles(exported, isErased)).toBe(2);

    for (const id of [archived, current])
      expect((await log.fetchApi(`/v1/requests/${id}`, { method: "DELETE" })).status).toBe(200);
    expect(await query(`SELECT id FROM requests WHERE ${isErased}`)).toEqual([]);
    expect(await countInFiles(copies, isErased)).toBe(0);
    await exportAll(out);
    expect(await countInFiles(exported, isErased)).toBe(0);
    expect(await countInFiles(exported, FILLED)).toBe(ROWS - 2);
  });

  test("leaves out a request whose erasure has begun, also if its day is not asked for", async () => {
    const id = await findId(9);
    await withLocalBindings(log.state, ({ LOG_DB }) =>
      LOG_DB.prepare("INSERT INTO erasures (id, at) VALUES (?1, 0)").bind(id).run(),
    );
    const copies = join(getCopyFolder({ kind: "local", state: log.state }), "*/day=*/*.parquet");
    expect(await countInFiles(copies, `id = '${id}'`)).toBe(1);
    await query("SELECT 1", { since: Date.parse(daysAgo(1)) });
    expect(await countInFiles(copies, `id = '${id}'`)).toBe(0);
    expect(await query(`SELECT id FROM requests WHERE id = '${id}'`)).toEqual([]);
  });
});

describe("npm run logs -- export", () => {
  test("writes a file for each day, and the same files again", async () => {
    const out = join(folder.path, "days");
    const first = await exportAll(out);
    const files = globSync(join(out, "*/*")).toSorted();
    expect(files).toHaveLength(first.days);
    expect(files[0]).toBe(join(out, `day=${daysAgo(10)}`, "requests.parquet"));
    expect(first.bytes).toBe(files.reduce((bytes, file) => bytes + statSync(file).size, 0));
    const [row] = await readParquet(
      `SELECT count(*) AS n, count(DISTINCT day) AS days, typeof(any_value(day)) AS day, typeof(any_value(arrived_at)) AS at,
         typeof(any_value(request_body)) AS body, count(*) FILTER (day = arrived_at::DATE) AS on_day
       FROM read_parquet('${out}/*/*.parquet', hive_partitioning = true)`,
    );
    const n = String(first.rows);
    const types = { day: "DATE", at: "TIMESTAMP WITH TIME ZONE", body: "VARCHAR" };
    expect(row).toEqual({ n, days: String(first.days), on_day: n, ...types });

    const [other, stale] = [join(out, "notes.txt"), join(out, "day=2001-01-01", "requests.parquet")];
    writeFileSync(other, "kept");
    mkdirSync(dirname(stale));
    writeFileSync(stale, "of a day that the log does not have any more");
    const before = new Map(files.map((file) => [file, readFileSync(file)]));
    expect(await exportAll(out)).toEqual(first);
    expect(globSync(join(out, "*/*")).toSorted()).toEqual(files);
    for (const [file, bytes] of before) expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(existsSync(other)).toBe(true);
  });

  test("the command says what it wrote, and refuses to mix formats", async () => {
    const out = join(folder.path, "csv");
    const range = ["--since", daysAgo(7), "--until", daysAgo(6), "--out", out];
    const { output } = await runLogs(log.state, "export", "--format", "csv", ...range);
    const file = join(out, `day=${daysAgo(7)}`, "requests.csv");
    const [header, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(header).toMatch(/^id,arrived_at,method,/);
    expect(lines[0]).toMatch(/,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,/);
    const bytes = statSync(file).size.toLocaleString("en");
    expect(output).toBe(
      `${lines.length.toLocaleString("en")} rows of 1 day, ${bytes} bytes, written to ${out}\n`,
    );
    await expect(exportAll(out)).rejects.toThrow("--out must be another folder for this format");
  });

  test("a query writes nothing but its rows on standard output", async () => {
    const child = spawnSync(
      process.execPath,
      ["scripts/logs.ts", "--state", log.state, "query", "SELECT 1 AS n", "--format", "csv"],
      { cwd: REPOSITORY_ROOT, encoding: "utf8" },
    );
    expect(child.stdout).toBe("n\r\n1\r\n");
  });
});

const deleteDay = (folder: string, day: number) =>
  rm(join(folder, toFolderName(day)), { recursive: true, force: true });

/** Moves a day from the database to the bucket. */
async function moveDay(day: number): Promise<void> {
  await withLocalBindings(log.state, async ({ LOG_DB, MODELS }) => {
    const ids = [firstIdAt(day * DAY_MS), firstIdAt((day + 1) * DAY_MS)];
    const condition = "id >= ?1 AND id < ?2";
    const read = LOG_DB.prepare(`SELECT ${PAGE_COLUMNS} FROM requests WHERE ${condition} ORDER BY id`);
    await archiveRows(MODELS, (await read.bind(...ids).all<{ id: string }>()).results);
    await LOG_DB.prepare(`DELETE FROM requests WHERE ${condition}`)
      .bind(...ids)
      .run();
  });
}

/** A day before today, such as 2026-11-01. */
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

async function findId(days: number): Promise<string> {
  const [row] = await query(
    `SELECT max(id) AS id FROM requests WHERE day = '${daysAgo(days)}' AND ${FILLED}`,
  );
  return String(row?.id);
}
