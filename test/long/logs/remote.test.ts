/** `npm run logs -- ... --remote` against the stand-in for Cloudflare's API. */
import { rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { D1Database } from "@cloudflare/workers-types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { archiveRows } from "../../../bench/logs/archive-rows.ts";
import { fillLog } from "../../../bench/server/fill-log.ts";
import { applyMigrations } from "../../../cloudflare/d1.ts";
import { BUCKET, LOG_DATABASE } from "../../../cloudflare/worker-config.ts";
import { getCopyFolder } from "../../../scripts/logs/log-copy.ts";
import { PAGE_COLUMNS } from "../../../src/db/request-log/page-sql.ts";
import { DAY_MS } from "../../../src/lib/time.ts";
import { type CloudflareApi, startCloudflareApi } from "../../cloudflare-api/start.ts";
import { startScript } from "../../support/run-script.ts";

const ROWS = 12_000;
const DAYS = 4;
const FIRST_DAY = (Math.floor(Date.now() / DAY_MS) - 10) * DAY_MS;
/** A day of the log, such as 2026-11-10. */
const toDate = (day: number) => new Date(FIRST_DAY + day * DAY_MS).toISOString().slice(0, 10);

let api: CloudflareApi;

beforeAll(async () => {
  api = await startCloudflareApi({ withResources: true });
  Object.assign(process.env, api.environment);
  await applyMigrations({ kind: "remote" }, [LOG_DATABASE]);
  await api.useDatabase(LOG_DATABASE, async (database) => {
    await fillLog(database, { count: ROWS, from: FIRST_DAY, to: FIRST_DAY + DAYS * DAY_MS });
    // The first two days are archived; of the second one, the database still has the second half.
    for (const day of [0, 1]) await archiveDay(database, day, day === 0 ? 0 : ROWS / DAYS / 2);
  });
});

afterAll(async () => {
  rmSync(getCopyFolder({ kind: "remote" }, api.environment), { recursive: true, force: true });
  await api.close();
});

/** Moves a day to the bucket as the archive job does, but keeps its last rows in the database too. */
async function archiveDay(database: D1Database, day: number, keptRows: number): Promise<void> {
  const from = FIRST_DAY + day * DAY_MS;
  const { results } = await database
    .prepare(`SELECT ${PAGE_COLUMNS} FROM requests WHERE at >= ?1 AND at < ?2 ORDER BY id`)
    .bind(from, from + DAY_MS)
    .all<{ id: string }>();
  await api.useBucket(BUCKET, (bucket) => archiveRows(bucket, results));
  const moved = results.slice(0, results.length - keptRows).map(({ id }) => id);
  await database
    .prepare("DELETE FROM requests WHERE id IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(moved))
    .run();
}

async function query(sql: string) {
  const args = ["query", sql, "--format", "json", "--remote"];
  const { code, output } = await startScript(args, "scripts/logs.ts", api.environment).finished;
  expect(code, output).toBe(0);
  return JSON.parse(output) as unknown;
}

const COUNT = "SELECT day, count(*) AS n, count(DISTINCT id) AS ids FROM requests GROUP BY day ORDER BY day";
const COUNTED = [0, 1, 2, 3].map((day) => ({ day: toDate(day), n: 3_000, ids: 3_000 }));

test("a query reads database and bucket, also while calls fail", async () => {
  api.setFaults([
    { call: "r2 list objects", which: [1], fault: { kind: "error", status: 429, retryAfterSeconds: 1 } },
    { call: "r2 get", which: [1, 2], fault: { kind: "error", status: 500 } },
    { call: "r2 get", which: [4], fault: { kind: "connection closed before" } },
    { call: "d1 query", which: [2], fault: { kind: "error", status: 500 } },
  ]);
  expect(await query(COUNT)).toEqual(COUNTED);
  expect(api.causedFaults).toHaveLength(5);
  expect(api.unknownCalls()).toEqual([]);
});

test("the next query reads only what has changed", async () => {
  api.setFaults([]);
  api.calls.splice(0);
  const id = await api.useDatabase(LOG_DATABASE, async (database) => {
    const row = await database.prepare("SELECT max(id) AS id FROM requests").first<{ id: string }>();
    await database.prepare("DELETE FROM requests WHERE id = ?1").bind(row?.id).run();
    return row?.id;
  });
  const [changed] = COUNTED.slice(-1).map((row) => ({ ...row, n: 2_999, ids: 2_999 }));
  expect(await query(COUNT)).toEqual([...COUNTED.slice(0, -1), changed]);
  expect(api.calls.filter((call) => call === "r2 get")).toEqual([]);
  expect(await query(`SELECT id FROM requests WHERE id = '${id}'`)).toEqual([]);
});

test("an object that was changed while it was listed is refused by name", async () => {
  const key = await api.useBucket(BUCKET, async (bucket) => {
    const { objects } = await bucket.list({
      prefix: `log-archive/${toDate(0).replaceAll("-", "/")}/`,
      include: ["customMetadata"],
    });
    const { key, customMetadata } = objects[0]!;
    await bucket.put(key, gzipSync("other rows"), { customMetadata: customMetadata! });
    return key;
  });
  const { code, output } = await startScript(["query", COUNT, "--remote"], "scripts/logs.ts", api.environment)
    .finished;
  expect(output).toContain(`the archive object ${key} is damaged`);
  expect(output).not.toContain(api.environment.CLOUDFLARE_API_TOKEN);
  expect(code).toBe(1);
});
