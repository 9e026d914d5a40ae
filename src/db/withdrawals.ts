import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { withdrawals } from "./registry.ts";
import { retried } from "./retry.ts";

export type Withdrawal = typeof withdrawals.$inferSelect;

/** `diamonds` is not ordered by id: where the stone was not sent in, this reads the whole table. */
const IS_KNOWN = `SELECT EXISTS (SELECT 1 FROM withdrawals WHERE id = ?1)
  OR EXISTS (SELECT 1 FROM appraisals WHERE id = ?1)
  OR EXISTS (SELECT 1 FROM diamonds WHERE id = ?1) AS known`;

/**
 * Closes a stone for later datasets. Idempotent: the first withdrawal stays. Null where no stone has
 * this id.
 */
export async function withdraw(d1: D1Database, withdrawal: Withdrawal): Promise<Withdrawal | null> {
  const found = await d1.prepare(IS_KNOWN).bind(withdrawal.id).first<{ known: number }>();
  if (found?.known !== 1) return null;
  const db = drizzle(d1);
  const [, [kept]] = await retried(() =>
    db.batch([
      db.insert(withdrawals).values(withdrawal).onConflictDoNothing(),
      db.select().from(withdrawals).where(eq(withdrawals.id, withdrawal.id)),
    ]),
  );
  return kept ?? withdrawal;
}
