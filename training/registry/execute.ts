import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { DATABASE, type Target, WranglerFailure, wrangler } from "./wrangler.ts";

/** Somebody else has written since the registry was read: what was decided no longer holds. */
export class Overtaken extends Failure {
  constructor() {
    super("the registry was changed by somebody else at the same time; run this again");
  }
}

/**
 * Executes statements in one transaction.
 * @throws Overtaken where a sequence number, a version or a revision is taken already.
 */
export async function execute(target: Target, statements: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "facet-"));
  try {
    const path = join(folder, "statements.sql");
    await writeFile(path, `${statements.join("\n")}\n`);
    await wrangler(target, ["d1", "execute", DATABASE, "--file", path, "--yes"]);
  } catch (error) {
    if (error instanceof WranglerFailure && /UNIQUE constraint failed/.test(error.output))
      throw new Overtaken();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
