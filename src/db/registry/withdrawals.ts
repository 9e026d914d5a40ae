import { eq } from "drizzle-orm";
import { withRetry } from "../../lib/retry.ts";
import { isRetryable } from "../errors.ts";
import { openDrizzle, type Queryable } from "../sessions.ts";
import { withdrawals } from "./schema.ts";

export type Withdrawal = typeof withdrawals.$inferSelect;

const FIND_SOURCE = "SELECT source FROM appraisals WHERE id = ?1";
/**
 * `diamonds` has no index on the id. Its part of the query reads the whole table, but it runs only for a
 * stone that was not sent as an appraisal.
 */
const CHECK_EXISTENCE = `SELECT EXISTS (SELECT 1 FROM withdrawals WHERE id = ?1)
  OR EXISTS (SELECT 1 FROM appraisals WHERE id = ?1)
  OR EXISTS (SELECT 1 FROM diamonds WHERE id = ?1) AS known`;

/** Whether this caller sent the stone as an appraisal. `source` begins with the name of the caller's key. */
export async function isAppraisedBy(d1: Queryable, id: string, caller: string): Promise<boolean> {
  const appraisal = await d1.prepare(FIND_SOURCE).bind(id).first<{ source: string }>();
  return appraisal !== null && (appraisal.source === caller || appraisal.source.startsWith(`${caller}: `));
}

export async function isKnownStone(d1: Queryable, id: string): Promise<boolean> {
  return (await d1.prepare(CHECK_EXISTENCE).bind(id).first<{ known: number }>())?.known === 1;
}

/** Excludes a stone from later datasets. Idempotent: the first withdrawal of a stone is kept and returned. */
export async function withdrawStone(d1: Queryable, withdrawal: Withdrawal): Promise<Withdrawal> {
  const db = openDrizzle(d1);
  const [, [stored]] = await withRetry(
    () =>
      db.batch([
        db.insert(withdrawals).values(withdrawal).onConflictDoNothing(),
        db.select().from(withdrawals).where(eq(withdrawals.id, withdrawal.id)),
      ]),
    { shouldRetry: isRetryable },
  );
  return stored ?? withdrawal;
}
