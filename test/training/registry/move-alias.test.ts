import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { buildMoveStatements } from "../../../training/registry/move-alias.ts";
import type { Registry } from "../../../training/registry/read-registry.ts";

const MIGRATIONS = join(import.meta.dirname, "../../../migrations/registry");
const V1 = { name: "log-linear", version: 1 };
const V2 = { name: "boosted-trees", version: 2 };
const MOVE = { actor: "marta's laptop", reason: "it's better; really" };

let database: DatabaseSync;

beforeEach(() => {
  database = new DatabaseSync(":memory:");
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
  for (const name of files.toSorted()) database.exec(readFileSync(join(MIGRATIONS, name), "utf8"));
});

/** The part of the registry that a move needs, as the trainer reads it. */
function readAliases(): Registry {
  const aliases = database
    .prepare(
      "SELECT alias, name, version, revision, canary_name AS canaryName, canary_version AS canaryVersion FROM aliases",
    )
    .all() as unknown as Registry["aliases"];
  const revisions = database
    .prepare("SELECT alias, max(revision) AS revision FROM alias_history GROUP BY alias")
    .all()
    .map((row): [string, number] => [String(row.alias), Number(row.revision)]);
  return { datasets: [], models: [], aliases, revisions: new Map(revisions), pruneRevision: 0 };
}

/** Executes statements in one transaction, as `wrangler d1 execute --file` does. */
function execute(statements: readonly string[]): void {
  database.exec("BEGIN");
  try {
    database.exec(statements.join("\n"));
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

const readRow = (sql: string) => ({ ...database.prepare(sql).get() });

describe("buildMoveStatements", () => {
  it("creates an alias and its history", () => {
    execute(buildMoveStatements(readAliases(), { alias: "champion", to: V1, ...MOVE }).statements);
    const columns = {
      alias: "champion",
      ...V1,
      revision: 1,
      share: null,
      canary_name: null,
      canary_version: null,
    };
    const alias = readRow("SELECT * FROM aliases");
    expect(alias).toEqual({ ...columns, updated_at: expect.any(String) });
    expect(readRow("SELECT * FROM alias_history")).toEqual({
      ...columns,
      from_name: null,
      from_version: null,
      removed: 0,
      ...MOVE,
      at: alias.updated_at,
    });
  });

  it("moves an alias, and ends its canary", () => {
    execute(buildMoveStatements(readAliases(), { alias: "champion", to: V1, ...MOVE }).statements);
    database.exec("UPDATE aliases SET share = 10, canary_name = 'boosted-trees', canary_version = 1");
    execute(buildMoveStatements(readAliases(), { alias: "champion", to: V2, ...MOVE }).statements);
    expect(readRow("SELECT * FROM aliases")).toMatchObject({
      ...V2,
      revision: 2,
      share: null,
      canary_name: null,
      canary_version: null,
    });
    expect(readRow("SELECT * FROM alias_history WHERE revision = 2")).toMatchObject({
      ...V2,
      from_name: V1.name,
      from_version: V1.version,
    });
  });

  it("sets the percentage of a challenger, and continues the revisions of a removed alias", () => {
    const challenger = { alias: "challenger", to: V1, share: 25, ...MOVE };
    execute(buildMoveStatements(readAliases(), challenger).statements);
    database.exec("DELETE FROM aliases");
    execute(buildMoveStatements(readAliases(), challenger).statements);
    expect(readRow("SELECT * FROM aliases")).toMatchObject({ ...V1, share: 25, revision: 2 });
    expect(readRow("SELECT * FROM alias_history WHERE revision = 2")).toMatchObject({ from_name: null });
  });

  it("fails as a whole if the alias was moved since the registry was read", () => {
    const stale = readAliases();
    const first = buildMoveStatements(stale, { alias: "champion", to: V1, ...MOVE });
    execute(first.statements);
    const second = buildMoveStatements(stale, { alias: "champion", to: V2, ...MOVE, actor: "otto" });
    expect(() => execute(second.statements)).toThrow("UNIQUE constraint failed");
    expect(readRow("SELECT name, version FROM aliases")).toEqual(V1);
    expect(database.prepare(first.executedQuery).all()).toHaveLength(1);
    expect(database.prepare(second.executedQuery).all()).toHaveLength(0);
  });
});
