import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_INTERVAL_MS = 300;
/** A batch of log records is written within milliseconds, a retried one within seconds. */
const LOG_WRITE_WAIT_MS = 10_000;

/**
 * Opens the SQLite file of a simulated database. A server may run on the state.
 * @param table a table that only this database has: `diamonds` or `requests`
 */
export function openStateDatabase(state: string, table: "diamonds" | "requests"): DatabaseSync {
  for (const file of globSync(join(state, "v3/d1/miniflare-D1DatabaseObject/*.sqlite"))) {
    const database = new DatabaseSync(file, { timeout: 5_000 });
    const found = database
      .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
      .get(table);
    if (found !== undefined) return database;
    database.close();
  }
  throw new Error(`${state} has no table ${table}`);
}

/** The number of requests with a 2xx status in the log. */
function countLoggedSuccesses(state: string): number {
  const database = openStateDatabase(state, "requests");
  try {
    const row = database
      .prepare("SELECT count(*) AS count FROM requests WHERE status BETWEEN 200 AND 299")
      .get();
    return Number(row?.count);
  } finally {
    database.close();
  }
}

/**
 * Waits until the log has a number of successful requests and gets no more. Returns the number that it has in
 * the end.
 */
export async function waitForLoggedSuccesses(state: string, expected = 0): Promise<number> {
  const deadline = Date.now() + LOG_WRITE_WAIT_MS;
  let count = countLoggedSuccesses(state);
  for (;;) {
    await sleep(POLL_INTERVAL_MS);
    const previous = count;
    count = countLoggedSuccesses(state);
    if ((count >= expected && count === previous) || Date.now() > deadline) return count;
  }
}
