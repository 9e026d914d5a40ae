import { acquireLease, releaseLease } from "../../db/request-log/leases.ts";
import { MINUTE_MS } from "../../lib/time.ts";
import { CRON_RUN_LIMITS } from "../../settings/call-budgets.ts";

const LEASE_NAME = "archive";
/** How long the lease of a stopped cron run blocks the others. It is longer than any run can take. */
const LEASE_MS = CRON_RUN_LIMITS.ms + 5 * MINUTE_MS;

/**
 * Runs work that only one run at a time may do to the archive. Returns null if another run holds the lease.
 */
export async function withArchiveLease<Result>(
  db: D1Database,
  now: number,
  work: () => Promise<Result>,
): Promise<Result | null> {
  const holder = crypto.randomUUID();
  if (!(await acquireLease(db, LEASE_NAME, { holder, until: now + LEASE_MS, now }))) return null;
  try {
    return await work();
  } finally {
    // If the release fails, the lease still ends after LEASE_MS.
    await releaseLease(db, LEASE_NAME, holder).catch(() => {});
  }
}
