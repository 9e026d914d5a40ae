import Table from "cli-table3";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import { median } from "../../src/lib/statistics.ts";
import { DAY_MS } from "../../src/lib/time.ts";
import { createKey } from "../../training/registry/keys.ts";
import { createCountingDatabase } from "./count-rows-read.ts";
import { fillLog } from "./fill-log.ts";
import { prepareState, startServer } from "./local-server.ts";

const LOG_DAYS = 30;
const PAGE_ROWS = 50;
const WARM_UP_REQUESTS = 3;
const MEASURED_REQUESTS = 20;
/** Enough runs of the cron to count 30 days. */
const CRON_RUNS = 31;

/** Times the first page of each search filter, and monitoring, on a log of the given size. */
export async function measureSearch(state: string, rows: number): Promise<void> {
  await prepareState(state, { champion: true });
  const key = await createKey(
    { kind: "local", state },
    { name: "bench", scopes: ["admin"], expiresAt: null },
  );
  const now = Date.now();
  await withLocalBindings(state, ({ LOG_DB }) =>
    fillLog(LOG_DB, { count: rows, from: now - LOG_DAYS * DAY_MS, to: now }),
  );
  const searches = createSearches(now);
  const rowsRead = await countRowsRead(state, searches);
  const { url, stop } = await startServer(state, { vars: { RATE_LIMITS: "off" } });
  const send = (path: string) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });

  const pages = new Table({ head: ["GET /v1/requests", "rows read", "median ms", "slowest ms"] });
  pages.push(["(GET /health, to compare)", "", ...(await measure(send, "/health"))]);
  for (const { query } of searches)
    pages.push([query, rowsRead.get(query) ?? "", ...(await measure(send, `/v1/requests${query}`))]);
  console.log(`${rows} rows, first pages of ${PAGE_ROWS}:\n${pages}`);

  const startedAt = performance.now();
  for (let run = 0; run < CRON_RUNS; run++) await send("/cdn-cgi/handler/scheduled");
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${CRON_RUNS} runs of the cron counted the requests in ${seconds.toFixed(1)} s`);

  const windows = new Table({ head: ["GET /v1/monitoring", "median ms", "slowest ms"] });
  for (const window of ["24h", "7d", "30d"]) {
    const path = `/v1/monitoring?window=${window}`;
    const { requests } = (await (await send(path)).json()) as { requests: number };
    windows.push([`${window} (${requests} requests)`, ...(await measure(send, path))]);
  }
  console.log(String(windows));
  await stop();
}

/** Returns the median and the slowest time in ms. */
async function measure(send: (path: string) => Promise<Response>, path: string): Promise<string[]> {
  const durations: number[] = [];
  for (let i = 0; i < WARM_UP_REQUESTS + MEASURED_REQUESTS; i++) {
    const startedAt = performance.now();
    const response = await send(path);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
    if (i >= WARM_UP_REQUESTS) durations.push(performance.now() - startedAt);
  }
  return [median(durations), Math.max(...durations)].map((ms) => ms.toFixed(1));
}

interface Search {
  readonly query: string;
  /** A RequestFilter of src/db/request-log/search.ts that means the same as the query. */
  readonly filter: object;
}

function createSearches(now: number): Search[] {
  const since = new Date(now - 10 * DAY_MS);
  const until = new Date(now - 9 * DAY_MS);
  return [
    { query: "", filter: {} },
    {
      query: `?since=${since.toISOString()}&until=${until.toISOString()}`,
      filter: { since: since.getTime(), until: until.getTime() },
    },
    { query: "?status=200", filter: { status: [200, 200] } },
    { query: "?status=201", filter: { status: [201, 201] } },
    { query: "?status=404", filter: { status: [404, 404] } },
    { query: "?status=503", filter: { status: [503, 503] } },
    { query: "?status=4xx", filter: { status: [400, 499] } },
    { query: "?route=/v1/predictions", filter: { route: "/v1/predictions" } },
    { query: "?route=/v1/models/:name", filter: { route: "/v1/models/:name" } },
    { query: "?model=log-linear", filter: { model: { kind: "name", name: "log-linear" } } },
    {
      query: "?model=log-linear@1",
      filter: { model: { kind: "version", name: "log-linear", version: 1 } },
    },
    { query: "?minDuration=5", filter: { minDuration: 5 } },
    { query: "?minDuration=500", filter: { minDuration: 500 } },
    { query: "?caller=shop", filter: { caller: "shop" } },
    { query: "?caller=marta", filter: { caller: "marta" } },
    { query: "?path=predictions", filter: { path: "predictions" } },
    { query: "?path=nothing", filter: { path: "nothing" } },
  ];
}

/** By query: the number of rows that the database reads for the first page. */
async function countRowsRead(state: string, searches: readonly Search[]): Promise<Map<string, number>> {
  // The Worker's code has the types of workerd, which this Node program does not have.
  const { searchRequests } = await import(
    new URL("../../src/db/request-log/search.ts", import.meta.url).href
  );
  return withLocalBindings(state, async ({ LOG_DB }) => {
    const { db, takeCount } = createCountingDatabase(LOG_DB);
    const counts = new Map<string, number>();
    for (const { query, filter } of searches) {
      await searchRequests(db, filter, { limit: PAGE_ROWS });
      counts.set(query, takeCount());
    }
    return counts;
  });
}
