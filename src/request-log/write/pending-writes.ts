import { evictOldest } from "../../lib/stale-cache.ts";
import { waitAtMost } from "../../lib/timeout.ts";
import { PENDING_WRITE_TIMEOUT_MS } from "../../settings/timeouts.ts";

/** The platform can stop a request, whose write then never ends. */
const MAX_PENDING_WRITES = 10_000;

/** The writes that are under way in this isolate, by the id of their request. */
const pendingWrites = new Map<string, Promise<void>>();

/** Remembers a write until it ends, so that {@link waitForWrite} can wait for it. */
export async function trackWrite(id: string, write: Promise<void>): Promise<void> {
  pendingWrites.set(id, write);
  evictOldest(pendingWrites, MAX_PENDING_WRITES);
  try {
    await write;
  } finally {
    pendingWrites.delete(id);
  }
}

/**
 * Waits until a request is in the log, if this isolate is writing it. A client can ask for a request as soon as
 * it has the answer, and the log is written after the answer.
 */
export async function waitForWrite(id: string): Promise<void> {
  const write = pendingWrites.get(id);
  if (write === undefined) return;
  const ended = write.catch(() => {});
  await waitAtMost(PENDING_WRITE_TIMEOUT_MS, ended);
}
