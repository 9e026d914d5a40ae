/** A log of which half is archived, by the Worker itself, and what its API says about it. */
import { join } from "node:path";
import { fillLog } from "../../../bench/server/fill-log.ts";
import { startServer } from "../../../bench/server/local-server.ts";
import { applyMigrations } from "../../../cloudflare/d1.ts";
import type { DevServer } from "../../../cloudflare/dev-server.ts";
import { withLocalBindings } from "../../../cloudflare/local-bindings.ts";
import { queryLog } from "../../../scripts/logs/use-log.ts";
import { DAY_MS, HOUR_MS } from "../../../src/lib/time.ts";
import { createKey } from "../../../training/registry/keys.ts";
import { startScript } from "../../support/run-script.ts";

const LOG_DAYS = 10;
const RETENTION_DAYS = 5;

export interface ArchivedLog {
  readonly state: string;
  readonly server: DevServer;
  /** Requests of the API's export before the archive job, by `day route status`. */
  readonly counts: ReadonlyMap<string, number>;
  /** How many of them the database still had after the archive job. */
  readonly rowsInTable: number;
  fetchApi(path: string, init?: RequestInit): Promise<Response>;
}

/** Fills a log, exports it through the API, and lets the Worker archive its older half. */
export async function createArchivedLog(folder: string, rows: number): Promise<ArchivedLog> {
  const state = join(folder, "state");
  const target = { kind: "local", state } as const;
  await applyMigrations(target);
  const key = await createKey(target, { name: "test", scopes: ["admin"], expiresAt: null });
  const now = Date.now();
  // Whole days, of which the last one ends now.
  const to = Math.floor(now / DAY_MS) * DAY_MS;
  await withLocalBindings(state, async ({ LOG_DB }) => {
    await fillLog(LOG_DB, { count: rows, from: to - LOG_DAYS * DAY_MS, to });
    // Pretends that all hours are counted, so that the cron starts with the archive at once.
    const hour = Math.floor(now / HOUR_MS);
    await LOG_DB.prepare("INSERT INTO rollup_hours (hour, counted_at) VALUES (?1, ?2)").bind(hour, now).run();
  });
  const server = await startServer(state, {
    vars: { RATE_LIMITS: "off", LOG_RETENTION_DAYS: String(RETENTION_DAYS) },
  });
  const fetchApi = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, { ...init, headers: { authorization: `Bearer ${key}` } });
  const until = new Date(to).toISOString();
  const exportRows = async () => countEntries(await (await fetchApi(`${EXPORT}&until=${until}`)).text());
  const counts = await exportRows();
  const archive = await fetch(`${server.url}/cdn-cgi/handler/scheduled`);
  if (!archive.ok) throw new Error(`the archive job was answered with ${archive.status}`);
  return { state, server, counts, rowsInTable: sum(await exportRows()), fetchApi };
}

const EXPORT = "/v1/requests/export?format=ndjson";

/** Counts the entries of an export in NDJSON by `day route status`. */
function countEntries(ndjson: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of ndjson.split("\n")) {
    if (line === "") continue;
    const { at, route, status } = JSON.parse(line) as { at: string; route: string | null; status: number };
    const name = `${at.slice(0, 10)} ${route} ${status}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

export const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((total, count) => total + count, 0);

/** Runs `npm run logs` on a state. */
export const runLogs = (state: string, ...args: string[]) =>
  startScript(["--state", state, ...args], "scripts/logs.ts").finished;

/** Runs a query and returns its rows. */
export async function queryLogs(
  state: string,
  sql: string,
  { since = 0, until = 2 ** 48 - 1 } = {},
): Promise<Record<string, unknown>[]> {
  let json = "";
  const write = async (output: string) => {
    json += output;
  };
  await queryLog({ target: { kind: "local", state } }, { sql, since, until, format: "json", write });
  return JSON.parse(json);
}
