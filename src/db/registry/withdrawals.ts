import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { withRetry } from "../../lib/retry.ts";
import { withdrawals } from "./schema.ts";

export type Withdrawal = typeof withdrawals.$inferSelect;

const SENT = "SELECT source FROM appraisals WHERE id = ?1";
/** `diamonds` is not ordered by id: where the stone was not sent in, this reads the whole table. */
const IS_KNOWN = `SELECT EXISTS (SELECT 1 FROM withdrawals WHERE id = ?1)
  OR EXISTS (SELECT 1 FROM appraisals WHERE id = ?1)
  OR EXISTS (SELECT 1 FROM diamonds WHERE id = ?1) AS known`;

/** Whether a stone was sent in by this caller: `source` begins with the name of its key. */
export async function wasSentBy(d1: D1Database, id: string, caller: string): Promise<boolean> {
  const sent = await d1.prepare(SENT).bind(id).first<{ source: string }>();
  return sent !== null && (sent.source === caller || sent.source.startsWith(`${caller}: `));
}

export async function isKnownStone(d1: D1Database, id: string): Promise<boolean> {
  return (await d1.prepare(IS_KNOWN).bind(id).first<{ known: number }>())?.known === 1;
}

/** Closes a stone for later datasets. Idempotent: the first withdrawal stays. */
export async function withdrawStone(d1: D1Database, withdrawal: Withdrawal): Promise<Withdrawal> {
  const db = drizzle(d1);
  const [, [kept]] = await withRetry(() =>
    db.batch([
      db.insert(withdrawals).values(withdrawal).onConflictDoNothing(),
      db.select().from(withdrawals).where(eq(withdrawals.id, withdrawal.id)),
    ]),
  );
  return kept ?? withdrawal;
}
