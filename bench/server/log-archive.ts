import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import Table from "cli-table3";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import { createRequestId } from "../../src/domain/request-id.ts";
import { median } from "../../src/lib/statistics.ts";
import { DAY_MS, HOUR_MS } from "../../src/lib/time.ts";
import { createKey } from "../../training/registry/keys.ts";
import { fillLog } from "./fill-log.ts";
import { prepareState, startServer } from "./local-server.ts";

const PAGE_ROWS = 20_000;
const KILLS = 10;
const LOOK_UPS = 200;
/** An archive run may take this time. */
const ARCHIVE_TIMEOUT_MS = 120_000;

/**
 * Lets the cron archive old rows and kills it with its server ten times. Each row must then be in the archive
 * exactly once.
 */
export async function testKilledArchive(state: string, rows: number): Promise<void> {
  await prepareState(state, { champion: false });
  const now = Date.now();
  await withLocalBindings(state, async ({ LOG_DB }) => {
    await fillLog(LOG_DB, { count: rows, from: now - 120 * DAY_MS, to: now - 117 * DAY_MS });
    // Pretends that all hours are counted, so that the cron starts with the archive at once.
    const hour = Math.floor(now / HOUR_MS);
    await LOG_DB.prepare("INSERT INTO rollup_hours (hour, counted_at) VALUES (?1, ?2)").bind(hour, now).run();
  });
  const table = new Table({
    head: ["killed after ms", "in the table", "in chunks", "in both", "missing", "duplicates"],
  });
  let kills = 0;
  for (let isComplete = false; !isComplete; ) {
    // Each kill comes later than the one before. The first comes while the first chunk is read.
    const timeoutMs = kills < KILLS ? 300 + kills * 200 : ARCHIVE_TIMEOUT_MS;
    const { isFinished, durationMs } = await runCron(state, timeoutMs);
    if (!isFinished) kills++;
    const found = await withLocalBindings(state, async ({ LOG_DB, MODELS }) => {
      // Pretends that the lease of the killed run has expired.
      await LOG_DB.prepare("DELETE FROM leases").run();
      return countArchivedRows(LOG_DB, MODELS, now - 100 * DAY_MS);
    });
    const { inTable, inChunks, inBoth, duplicates } = found;
    const missing = rows - (inTable + inChunks - inBoth);
    const killedAfter = isFinished ? "not killed" : durationMs.toFixed(0);
    table.push([killedAfter, inTable, inChunks, inBoth, missing, duplicates]);
    isComplete = isFinished && inTable === 0;
  }
  console.log(`${rows} rows archived, killed ${kills} times:\n${table}`);
  const times = await measureLookUps(state, now - 119 * DAY_MS);
  console.log(
    `${LOOK_UPS} look-ups of ids that do not exist, of an archived day: median ${median(times).toFixed(1)} ms, longest ${Math.max(...times).toFixed(1)} ms`,
  );
}

/** Asks for ids that do not exist, one after the other. Returns the time of each answer in milliseconds. */
async function measureLookUps(state: string, from: number): Promise<number[]> {
  const key = await createKey(
    { kind: "local", state },
    { name: "bench", scopes: ["admin"], expiresAt: null },
  );
  const { url, stop } = await startServer(state, { vars: { RATE_LIMITS: "off" } });
  const headers = { authorization: `Bearer ${key}` };
  const times: number[] = [];
  for (let i = 0; i < LOOK_UPS; i++) {
    const id = createRequestId(Math.floor(from + (i * DAY_MS) / LOOK_UPS));
    const startedAt = performance.now();
    const response = await fetch(`${url}/v1/requests/${id}`, { headers });
    await response.text();
    times.push(performance.now() - startedAt);
    if (response.status !== 404) throw new Error(`a look-up was answered with ${response.status}`);
  }
  await stop("SIGKILL");
  return times;
}

/** Starts a server and its cron, and kills both at the timeout. */
async function runCron(
  state: string,
  timeoutMs: number,
): Promise<{ isFinished: boolean; durationMs: number }> {
  const { url, stop } = await startServer(state, { vars: { RATE_LIMITS: "off" } });
  const startedAt = performance.now();
  const finished = fetch(`${url}/cdn-cgi/handler/scheduled`).then(
    () => true,
    () => false,
  );
  const isFinished = await Promise.race([finished, sleep(timeoutMs, false)]);
  const durationMs = performance.now() - startedAt;
  await stop("SIGKILL");
  return { isFinished, durationMs };
}

/** Counts the rows from before a time in the table and in the archive. */
async function countArchivedRows(db: D1Database, bucket: R2Bucket, before: number) {
  const tableIds = await readOldIds(db, before);
  const chunkIds = await readArchivedIds(bucket);
  const distinctIds = new Set(chunkIds);
  return {
    inTable: tableIds.size,
    inChunks: chunkIds.length,
    inBoth: [...distinctIds].filter((id) => tableIds.has(id)).length,
    duplicates: chunkIds.length - distinctIds.size,
  };
}

async function readOldIds(db: D1Database, before: number): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let last = ""; ; ) {
    const { results } = await db
      .prepare(`SELECT id FROM requests WHERE id > ?1 AND at < ?2 ORDER BY id LIMIT ${PAGE_ROWS}`)
      .bind(last, before)
      .all<{ id: string }>();
    for (const { id } of results) ids.add(id);
    if (results.length === 0) return ids;
    last = results.at(-1)!.id;
  }
}

async function readArchivedIds(bucket: R2Bucket): Promise<string[]> {
  const ids: string[] = [];
  const { objects } = await bucket.list({ prefix: "log-archive/" });
  for (const { key } of objects) {
    const object = await bucket.get(key);
    if (object === null) continue;
    const text = gunzipSync(Buffer.from(await object.arrayBuffer())).toString();
    for (const line of text.split("\n")) if (line !== "") ids.push(JSON.parse(line).id);
  }
  return ids;
}
