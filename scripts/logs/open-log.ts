import type { Target } from "../../cloudflare/wrangler.ts";
import type { StoredLog } from "./stored-log.ts";

/** Opens the log of a target, and closes it afterwards. */
export async function withStoredLog<Result>(
  target: Target,
  use: (log: StoredLog) => Promise<Result>,
): Promise<Result> {
  // Loading wrangler takes a second, and only the local log needs it in this process.
  if (target.kind === "local") return (await import("./local-log.ts")).openLocalLog(target.state, use);
  return (await import("./remote-log.ts")).openRemoteLog(use);
}
