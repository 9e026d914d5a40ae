/**
 * Reading, counting and archiving a large log, on a local server of its own with a scratch state.
 *
 *   node bench/log.ts                     all of it
 *   node bench/log.ts --rows 1000000      first page by each filter, and monitoring, over so many rows of 30 days
 *   node bench/log.ts --archive 200000    so many old rows archived by a run that is killed at 10 moments
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import type { D1Database, D1PreparedStatement, R2Bucket } from "@cloudflare/workers-types";
import Table from "cli-table3";
import { createKey } from "../../training/registry/keys.ts";
import { median } from "../boosting/diamonds.ts";
import { prepare, scratchFolder, serve, withBindings } from "./local-server.ts";

const DAY_MS = 86_400_000;
/** How long an archiving run that is not killed may take. */
const ARCHIVE_MS = 120_000;
/** No limits: the benches ask more than anybody may. */
const VARS = ["RATE_LIMITS:off"];
const REPEATS = 20;
const KILLS = 10;

const { values: options } = parseArgs({ options: { rows: { type: "string" }, archive: { type: "string" } } });
const all = options.rows === undefined && options.archive === undefined;
const rows = Number(options.rows ?? (all ? 1_000_000 : 0));
const archived = Number(options.archive ?? (all ? 200_000 : 0));

const folder = scratchFolder();
if (rows > 0) await read(join(folder, "read"), rows);
if (archived > 0) await archive(join(folder, "archive"), archived);
process.exit(0);

/** First pages by each filter, and monitoring, over a large log. */
async function read(state: string, count: number): Promise<void> {
  await prepare(state, { champion: true });
  const key = await createKey(
    { kind: "local", state },
    { name: "bench", scopes: ["admin"], expiresAt: null },
  );
  const now = Date.now();
  await withBindings(state, ({ LOG_DB }) => fill(LOG_DB, count, now - 30 * DAY_MS, now));
  const rowsRead = await withBindings(state, ({ LOG_DB }) => countRowsRead(LOG_DB, now));
  const { url, stop } = await serve(state, { vars: VARS });
  const headers = { authorization: `Bearer ${key}` };
  const time = async (path: string) => {
    const times: number[] = [];
    for (let i = 0; i < REPEATS + 3; i++) {
      const start = performance.now();
      const response = await fetch(`${url}${path}`, { headers });
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      await response.text();
      if (i >= 3) times.push(performance.now() - start);
    }
    return [median(times), Math.max(...times)].map((ms) => ms.toFixed(1));
  };
  const pages = new Table({ head: ["GET /v1/requests", "rows read", "median ms", "slowest ms"] });
  pages.push(["(GET /health, to compare)", "", ...(await time("/health"))]);
  for (const [query] of queries(now))
    pages.push([query, rowsRead.get(query) ?? "", ...(await time(`/v1/requests${query}`))]);
  console.log(`${count} rows, first pages of 50:\n${pages}`);

  const start = performance.now();
  let runs = 0;
  for (; runs < 31; runs++) await fetch(`${url}/cdn-cgi/handler/scheduled`);
  console.log(`counted in ${runs} runs of the cron, ${((performance.now() - start) / 1000).toFixed(1)} s`);
  const windows = new Table({ head: ["GET /v1/monitoring", "median ms", "slowest ms"] });
  for (const window of ["24h", "7d", "30d"]) {
    const path = `/v1/monitoring?window=${window}`;
    const { requests } = (await (await fetch(`${url}${path}`, { headers })).json()) as { requests: number };
    windows.push([`${window} (${requests} requests)`, ...(await time(path))]);
  }
  console.log(String(windows));
  await stop();
}

/** Queries, and the filters that they mean. */
function queries(now: number): [string, object][] {
  const since = new Date(now - 10 * DAY_MS);
  const until = new Date(now - 9 * DAY_MS);
  return [
    ["", {}],
    [
      `?since=${since.toISOString()}&until=${until.toISOString()}`,
      { since: since.getTime(), until: until.getTime() },
    ],
    ["?status=200", { status: [200, 200] }],
    ["?status=201", { status: [201, 201] }],
    ["?status=404", { status: [404, 404] }],
    ["?status=503", { status: [503, 503] }],
    ["?status=4xx", { status: [400, 499] }],
    ["?route=/v1/predictions", { route: "/v1/predictions" }],
    ["?route=/v1/models/:name", { route: "/v1/models/:name" }],
    ["?model=log-linear", { model: { kind: "name", name: "log-linear" } }],
    ["?model=log-linear@1", { model: { kind: "version", name: "log-linear", version: 1 } }],
    ["?minDuration=5", { minDuration: 5 }],
    ["?minDuration=500", { minDuration: 500 }],
    ["?caller=shop", { caller: "shop" }],
    ["?caller=marta", { caller: "marta" }],
    ["?path=predictions", { path: "predictions" }],
    ["?path=nothing", { path: "nothing" }],
  ];
}

/** Rows that the database reads for the first page of each query. */
async function countRowsRead(real: D1Database, now: number): Promise<Map<string, number>> {
  let read = 0;
  const originals = new WeakMap<object, D1PreparedStatement>();
  const statement = (inner: D1PreparedStatement): D1PreparedStatement => {
    const counting = {
      bind: (...values: unknown[]) => statement(inner.bind(...values)),
      all: async () => {
        const result = await inner.all();
        read += result.meta.rows_read;
        return result;
      },
      raw: async () => {
        const { results } = (await counting.all()) as { results: object[] };
        return results.map(Object.values);
      },
    } as unknown as D1PreparedStatement;
    originals.set(counting, inner);
    return counting;
  };
  const db = {
    prepare: (sql: string) => statement(real.prepare(sql)),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await real.batch(statements.map((one) => originals.get(one) ?? one));
      for (const { meta } of results) read += meta.rows_read;
      return results;
    },
  };
  // The Worker's own code, whose types are those of workerd.
  const { searchRequests } = await import(
    new URL("../../src/db/request-log/search.ts", import.meta.url).href
  );
  const counts = new Map<string, number>();
  for (const [query, filter] of queries(now)) {
    read = 0;
    await searchRequests(db, filter, { limit: 50 });
    counts.set(query, read);
  }
  return counts;
}

/** Old rows archived by the cron, which is killed with its server at some moments; then all are there once. */
async function archive(state: string, count: number): Promise<void> {
  await prepare(state, { champion: false });
  const now = Date.now();
  await withBindings(state, async ({ LOG_DB }) => {
    await fill(LOG_DB, count, now - 120 * DAY_MS, now - 117 * DAY_MS);
    // As if all hours had been counted: the cron comes to the archive at once.
    const hour = Math.floor(now / 3_600_000);
    await LOG_DB.prepare("INSERT INTO rollup_hours (hour, counted_at) VALUES (?1, ?2)").bind(hour, now).run();
  });
  const moments = new Table({
    head: ["killed after ms", "in the table", "in parts", "in both", "missing", "twice"],
  });
  let killed = 0;
  for (let done = false; !done; ) {
    const { url, stop } = await serve(state, { vars: VARS });
    const start = performance.now();
    const finished = fetch(`${url}/cdn-cgi/handler/scheduled`).then(
      () => true,
      () => false,
    );
    // Later each time: from the first part's reading on; together less than it takes.
    const patience = killed < KILLS ? 300 + killed * 200 : ARCHIVE_MS;
    const late = new Promise<boolean>((end) => setTimeout(() => end(false), patience));
    done = await Promise.race([finished, late]);
    const ms = performance.now() - start;
    await stop("SIGKILL");
    if (!done) killed++;
    const found = await withBindings(state, async ({ LOG_DB, MODELS }) => {
      // As if the lease of the killed run had ended.
      await LOG_DB.prepare("DELETE FROM leases").run();
      return whereabouts(LOG_DB, MODELS, now - 100 * DAY_MS);
    });
    const { table, parts, both, twice } = found;
    moments.push([done ? "never" : ms.toFixed(0), table, parts, both, count - (table + parts - both), twice]);
    done &&= table === 0;
  }
  console.log(`${count} rows archived, killed ${killed} times:\n${moments}`);
}

/** Where the rows from before a time are. */
async function whereabouts(db: D1Database, bucket: R2Bucket, before: number) {
  const inTable = new Set<string>();
  for (let after = ""; ; ) {
    const { results } = await db
      .prepare("SELECT id FROM requests WHERE id > ?1 AND at < ?2 ORDER BY id LIMIT 20000")
      .bind(after, before)
      .all<{ id: string }>();
    for (const { id } of results) inTable.add(id);
    const last = results.at(-1);
    if (last === undefined) break;
    after = last.id;
  }
  const inParts: string[] = [];
  const { objects } = await bucket.list({ prefix: "log-archive/" });
  for (const { key } of objects) {
    const object = await bucket.get(key);
    if (object === null) continue;
    const text = gunzipSync(Buffer.from(await object.arrayBuffer())).toString();
    for (const line of text.split("\n")) if (line !== "") inParts.push(JSON.parse(line).id);
  }
  const distinct = new Set(inParts);
  return {
    table: inTable.size,
    parts: inParts.length,
    both: [...distinct].filter((id) => inTable.has(id)).length,
    twice: inParts.length - distinct.size,
  };
}

/** Rows as traffic leaves them: mostly predictions by two models, some errors, few slow ones. */
async function fill(db: D1Database, count: number, from: number, to: number): Promise<void> {
  const CHUNK = 20_000;
  const insert = db.prepare(`
    WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2),
    r AS MATERIALIZED (SELECT i, CAST(?3 + i * ?4 AS INTEGER) AS at, abs(random()) % 1000 AS a, abs(random()) % 1000 AS b,
      abs(random()) AS c FROM n),
    s AS (SELECT *, CASE WHEN a < 930 THEN '/v1/predictions' WHEN a < 935 THEN '/v1/models/:name'
      WHEN a < 990 THEN '/v1/diamonds/similar' WHEN a < 995 THEN '/health' END AS route,
      CASE WHEN a >= 995 THEN 404 WHEN b < 30 THEN 422 WHEN b < 31 THEN 503
        WHEN b = 31 AND a < 60 THEN 201 ELSE 200 END AS status FROM r)
    INSERT INTO requests (id, at, method, path, route, status, duration_ms, request_body, response_body, model,
      model_version, price, caller, user_agent, country, colo)
    SELECT printf('%08x-%04x-7%03x-8%03x-%012x', at >> 16, at & 65535, a, b, c % 281474976710656), at,
      CASE WHEN route = '/v1/predictions' THEN 'POST' ELSE 'GET' END,
      CASE WHEN route IS NULL THEN '/v1/nothing/' || i WHEN route = '/v1/models/:name' THEN '/v1/models/log-linear' ELSE route END,
      route, status, CASE WHEN b % 200 = 7 THEN c % 3000 ELSE c % 9 + 0.5 END,
      CASE WHEN route = '/v1/predictions' THEN json_object('carat', 0.3 + (c % 200) / 100.0, 'cut', 'Ideal', 'color', 'E',
        'clarity', 'VS1', 'depth', 60.1 + c % 3, 'table', 55 + c % 4, 'x', 6.1, 'y', 6.2, 'z', 3.8) END,
      json_object('id', i, 'price', c % 9000, 'currency', 'USD', 'imputed', json_array(), 'warnings', json_array(),
        'model', json_object('name', 'gradient-boosting', 'version', 1)),
      CASE WHEN route = '/v1/predictions' AND status = 200 THEN CASE WHEN i % 997 = 0 THEN 'log-linear' ELSE 'gradient-boosting' END END,
      CASE WHEN route = '/v1/predictions' AND status = 200 THEN 1 END,
      CASE WHEN route = '/v1/predictions' AND status = 200 THEN c % 9000 + 300 END,
      CASE WHEN b = 5 THEN 'marta' ELSE 'shop' END, 'bench', 'IT', 'MXP'
    FROM s`);
  for (let i = 0; i < count; i += CHUNK)
    await insert.bind(i, Math.min(i + CHUNK, count), from, (to - from) / count).run();
}
