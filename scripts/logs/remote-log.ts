import { LOG_DATABASE } from "../../cloudflare/worker-config.ts";
import { type Rows, runWranglerOn } from "../../cloudflare/wrangler.ts";
import { openBucket } from "./remote-bucket.ts";
import type { StoredLog } from "./stored-log.ts";

/**
 * Opens the log on Cloudflare. The database is read by wrangler, as in training. The bucket is read with Cloudflare's
 * API, because wrangler cannot list objects.
 */
export async function openRemoteLog<Result>(use: (log: StoredLog) => Promise<Result>): Promise<Result> {
  return use({ query, ...(await openBucket()) });
}

async function query(sql: string): Promise<Rows> {
  const args = ["d1", "execute", LOG_DATABASE, "--json", "--command", sql];
  const output = await runWranglerOn({ kind: "remote" }, args);
  const [result] = JSON.parse(output.toString()) as { results: Rows }[];
  return result?.results ?? [];
}
