import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Opens the SQLite file of a simulated database. No server may run on the state.
 * @param table a table that only this database has: `diamonds` or `requests`
 */
export function openStateDatabase(state: string, table: "diamonds" | "requests"): DatabaseSync {
  for (const file of globSync(join(state, "v3/d1/miniflare-D1DatabaseObject/*.sqlite"))) {
    const database = new DatabaseSync(file);
    const found = database
      .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
      .get(table);
    if (found !== undefined) return database;
    database.close();
  }
  throw new Error(`${state} has no table ${table}`);
}
