import { acquireLease, releaseLease } from "../../db/request-log/leases.ts";
import { MINUTE_MS } from "../../lib/time.ts";
import { CRON_RUN_LIMITS } from "../../settings/call-budgets.ts";

const LEASE_NAME = "archive";
/** For the archive job. It is longer than any cron run can take. */
export const ARCHIVE_LEASE_MS = CRON_RUN_LIMITS.ms + 5 * MINUTE_MS;

/**
 * Runs work that only one run at a time may do to the archive. Returns null if another run holds the lease. The
 * lease of a run that was stopped blocks the others until `ms` milliseconds after `now`.
 */
export async function withArchiveLease<Result>(
  db: D1Database,
  { now, ms }: { readonly now: number; readonly ms: number },
  work: () => Promise<Result>,
): Promise<Result | null> {
  const holder = crypto.randomUUID();
  if (!(await acquireLease(db, LEASE_NAME, { holder, until: now + ms, now }))) return null;
  try {
    return await work();
  } finally {
    // If the release fails, the lease still ends at its time.
    await releaseLease(db, LEASE_NAME, holder).catch(() => {});
  }
}
