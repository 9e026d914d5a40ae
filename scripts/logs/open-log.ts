import type { Target } from "../../cloudflare/wrangler.ts";
import { openLocalLog } from "./local-log.ts";
import { openRemoteLog } from "./remote-log.ts";
import type { StoredLog } from "./stored-log.ts";

/** Opens the log of a target, and closes it afterwards. */
export function withStoredLog<Result>(
  target: Target,
  use: (log: StoredLog) => Promise<Result>,
): Promise<Result> {
  return target.kind === "local" ? openLocalLog(target.state, use) : openRemoteLog(use);
}
