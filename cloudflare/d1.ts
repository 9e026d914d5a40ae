import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "./temporary-folder.ts";
import { UserError } from "./user-error.ts";
import { DATABASE, LOG_DATABASE } from "./worker-config.ts";
import { query, runWranglerOn, type Target, WranglerError } from "./wrangler.ts";

/** Another process changed the registry after it was read, so decisions based on it are no longer valid. */
export class ConflictError extends UserError {
  constructor() {
    super("another process changed the registry at the same time; run the command again");
  }
}

/** Applies the migrations that a database does not have yet. Default: both databases of Facet. */
export async function applyMigrations(
  target: Target,
  databases: readonly string[] = [DATABASE, LOG_DATABASE],
): Promise<void> {
  await Promise.all(
    databases.map((database) => runWranglerOn(target, ["d1", "migrations", "apply", database])),
  );
}

/**
 * Executes statements on the registry's database in one transaction.
 *
 * A retry after a lost answer executes the statements a second time, and then violates the unique constraints
 * of its own rows. `executedQuery` tells this from a conflict: it returns a row if the statements were
 * executed.
 * @throws ConflictError if another process has taken a sequence number, a version or a revision
 */
export async function executeStatements(
  target: Target,
  statements: readonly string[],
  executedQuery?: string,
): Promise<void> {
  try {
    await withTemporaryFolder(async (folder) => {
      const path = join(folder, "statements.sql");
      await writeFile(path, `${statements.join("\n")}\n`);
      await runWranglerOn(target, ["d1", "execute", DATABASE, "--file", path, "--yes"]);
    });
  } catch (error) {
    if (!(error instanceof WranglerError) || !/UNIQUE constraint failed/.test(error.output)) throw error;
    const [rows = []] = executedQuery === undefined ? [] : await query(target, [executedQuery]);
    if (rows.length === 0) throw new ConflictError();
  }
}
