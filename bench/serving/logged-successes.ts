import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerdServer } from "../workerd/workerd.ts";

const POLL_INTERVAL_MS = 300;
/** A batch of log records is written within milliseconds, a retried one within seconds. */
const LOG_WRITE_WAIT_MS = 10_000;

/**
 * Waits until the log has a number of successful requests and gets no more. Returns the number that it has in
 * the end.
 */
export async function waitForLoggedSuccesses(server: WorkerdServer, expected = 0): Promise<number> {
  const deadline = Date.now() + LOG_WRITE_WAIT_MS;
  let count = await server.countLoggedSuccesses();
  for (;;) {
    await sleep(POLL_INTERVAL_MS);
    const previous = count;
    count = await server.countLoggedSuccesses();
    if ((count >= expected && count === previous) || Date.now() > deadline) return count;
  }
}
