import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "../../cloudflare/temporary-folder.ts";
import { runWranglerWithRetry } from "../../cloudflare/wrangler.ts";

/** What wrangler reports for programs: the fields that a deployment needs. */
export interface WranglerReport {
  readonly type: string;
  readonly version_id?: string;
  /** Addresses and cron triggers of a deployed Worker, as text. */
  readonly targets?: readonly string[];
}

/**
 * Runs wrangler, again after transient errors, and returns its reports, one for each action.
 * @throws WranglerError
 */
export function runWranglerReported(args: readonly string[]): Promise<WranglerReport[]> {
  return withTemporaryFolder(async (folder) => {
    // wrangler writes one line of JSON to this file for each action.
    const path = join(folder, "output.ndjson");
    await runWranglerWithRetry(args, { WRANGLER_OUTPUT_FILE_PATH: path });
    const lines = (await readFile(path, "utf8")).trim().split("\n");
    return lines.map((line) => JSON.parse(line) as WranglerReport);
  });
}
