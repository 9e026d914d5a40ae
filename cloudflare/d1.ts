import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "./user-error.ts";
import { DATABASE, query, type Target, WranglerError, wrangler } from "./wrangler.ts";

/** Somebody else has written since the registry was read: what was decided no longer holds. */
export class ConflictError extends UserError {
  constructor() {
    super("the registry was changed by somebody else at the same time; run this again");
  }
}

/**
 * Executes statements in one transaction.
 * @param done a query that gives a row once they are executed. A call whose answer was lost is made again, and
 *   then fails on what it has written itself: that is no failure.
 * @throws Overtaken where a sequence number, a version or a revision is taken by somebody else.
 */
export async function executeStatements(
  target: Target,
  statements: readonly string[],
  done?: string,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "facet-"));
  try {
    const path = join(folder, "statements.sql");
    await writeFile(path, `${statements.join("\n")}\n`);
    await wrangler(target, ["d1", "execute", DATABASE, "--file", path, "--yes"]);
  } catch (error) {
    if (!(error instanceof WranglerError) || !/UNIQUE constraint failed/.test(error.output)) throw error;
    const [[own] = []] = done === undefined ? [] : await query(target, [done]);
    if (own === undefined) throw new ConflictError();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
