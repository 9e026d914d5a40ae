import { SPLIT_PRIME } from "../../src/domain/split.ts";
import { openStateDatabase } from "../support/state-database.ts";

/** The columns that differ from those of the copied stone. Weights differ by up to one per cent. */
const CHANGED_COLUMNS: Readonly<Record<string, string>> = {
  id: "lower(hex(randomblob(8)))",
  carat: "round(carat * (1 + (abs(random()) % 2001 - 1000) / 100000.0), 4)",
  split_key: `abs(random()) % ${SPLIT_PRIME}`,
};

/**
 * Fills the table of stones with changed copies of its stones up to about `count` rows, and returns how many it
 * has. No server may run on the state.
 */
export function addStones(state: string, count: number): number {
  const database = openStateDatabase(state, "diamonds");
  const countRows = () => Number(database.prepare("SELECT count(*) AS count FROM diamonds").get()?.count);
  const copies = count / countRows() - 1;
  if (copies > 0) {
    // A crash would only lose a scratch state.
    database.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000");
    const columns = database
      .prepare("SELECT name FROM pragma_table_info('diamonds')")
      .all()
      .map(({ name }) => String(name));
    const insert = database.prepare(`
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${Math.ceil(copies)})
      INSERT INTO diamonds (${columns.map((column) => `"${column}"`).join(", ")})
      SELECT ${columns.map((column) => CHANGED_COLUMNS[column] ?? `"${column}"`).join(", ")}
      FROM diamonds CROSS JOIN n
      WHERE cut = ?1 AND color = ?2 AND clarity = ?3 AND i + abs(random()) / 9223372036854775808.0 < ${copies}`);
    // The stones of one group are next to each other in the table, so each statement needs few of its pages.
    const groups = database.prepare("SELECT DISTINCT cut, color, clarity FROM diamonds").all();
    for (const { cut, color, clarity } of groups) insert.run(cut!, color!, clarity!);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const rows = countRows();
  database.close();
  return rows;
}
