import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { HOUR_MS } from "../../lib/time.ts";
import { outcomes, rollupHours } from "./schema.ts";

/** The sale price of a predicted stone, as one outcome request reported it. */
export type Outcome = typeof outcomes.$inferSelect;

/**
 * Inserts an outcome, unless its prediction is erased or its erasure has begun. Only the newest outcome of a
 * stone counts, so the hour of the one that it corrects is marked dirty. Returns that one, if there is one.
 */
export async function insertOutcome(
  d1: D1Database,
  outcome: Outcome,
): Promise<{ readonly isStored: boolean; readonly corrected: Outcome | null }> {
  const db = drizzle(d1);
  const sameStone = and(eq(outcomes.prediction, outcome.prediction), eq(outcomes.item, outcome.item));
  const isErased = sql`${outcomes.prediction} IN (SELECT id FROM forgotten WHERE id = ${outcome.prediction})`;
  const [[corrected], , , { meta }] = await db.batch([
    db.select().from(outcomes).where(sameStone).orderBy(desc(outcomes.id)).limit(1),
    markOutcomeHoursDirty(db, sameStone),
    db.insert(outcomes).values(outcome),
    // The erasure may have begun after the prediction was read. The statements are one transaction.
    db.delete(outcomes).where(and(eq(outcomes.id, outcome.id), isErased)),
  ]);
  return { isStored: meta.changes === 0, corrected: corrected ?? null };
}

/** Marks the hours of outcomes dirty. It runs in the same transaction as the change to these outcomes. */
function markOutcomeHoursDirty(db: DrizzleD1Database, condition: SQL | undefined) {
  const hours = db
    .selectDistinct({
      hour: sql`${outcomes.at} / ${sql.raw(String(HOUR_MS))}`.as("hour"),
      countedAt: sql`0`.as("counted_at"),
      dirty: sql`1`.as("pending"),
    })
    .from(outcomes)
    .where(condition);
  return db
    .insert(rollupHours)
    .select(hours)
    .onConflictDoUpdate({ target: rollupHours.hour, set: { dirty: sql`${rollupHours.dirty} + 1` } });
}

/** The outcomes of a prediction, newest first. */
export async function listOutcomes(d1: D1Database, prediction: string): Promise<Outcome[]> {
  return drizzle(d1)
    .select()
    .from(outcomes)
    .where(eq(outcomes.prediction, prediction))
    .orderBy(desc(outcomes.id));
}

/** How many outcomes the stones of a prediction have, corrected ones included. */
export async function countOutcomesOf(d1: D1Database, prediction: string): Promise<number> {
  const query = d1.prepare("SELECT count(*) AS count FROM outcomes WHERE prediction = ?1").bind(prediction);
  return (await query.first<number>("count")) ?? 0;
}

/** The ids of the requests that reported outcomes of a prediction, oldest first, after an id. */
export async function listOutcomeRequests(
  d1: D1Database,
  prediction: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const { results } = await d1
    .prepare("SELECT id FROM outcomes WHERE prediction = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
    .bind(prediction, after, limit)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** Deletes outcomes of a prediction that is erased, by the requests that reported them. Returns how many. */
export async function deleteOutcomes(
  d1: D1Database,
  prediction: string,
  requests: readonly string[],
): Promise<number> {
  const db = drizzle(d1);
  // The hours of the other outcomes of these stones are marked when they are deleted too.
  const chosen = and(
    eq(outcomes.prediction, prediction),
    sql`${outcomes.id} IN (SELECT value FROM json_each(${JSON.stringify(requests)}))`,
  );
  const [, { meta }] = await db.batch([markOutcomeHoursDirty(db, chosen), db.delete(outcomes).where(chosen)]);
  return meta.changes;
}

/**
 * Deletes the outcome that a request reported. An outcome that it corrected then counts again. Returns how many
 * existed: 0 or 1.
 */
export async function deleteReportedOutcome(d1: D1Database, request: string): Promise<number> {
  const db = drizzle(d1);
  const reported = eq(outcomes.id, request);
  const stones = db
    .select({ prediction: outcomes.prediction, item: outcomes.item })
    .from(outcomes)
    .where(reported);
  const [, { meta }] = await db.batch([
    markOutcomeHoursDirty(db, sql`(prediction, item) IN ${stones}`),
    db.delete(outcomes).where(reported),
  ]);
  return meta.changes;
}

/** The errors of a model version's prices, compared with sale prices. */
export interface OutcomeCount {
  readonly model: string;
  readonly version: number;
  readonly stones: number;
  /** Sum of the absolute errors, US dollars. */
  readonly absoluteErrorSum: number;
  /** Sum of the absolute errors, each divided by its sale price. */
  readonly relativeErrorSum: number;
  /** Outcomes of predictions with a range, and those of them whose sale price was in the range. */
  readonly withRange: number;
  readonly inRange: number;
  /** Sum of the coverages of these ranges. */
  readonly coverageSum: number;
}

/** Counts the outcomes reported in [from, before) by model version. Only a stone's newest outcome counts. */
export async function countOutcomes(d1: D1Database, from: number, before: number): Promise<OutcomeCount[]> {
  const { results } = await d1
    .prepare(
      `SELECT model, model_version AS version, count(*) AS stones,
         sum(abs(price - predicted)) AS absoluteErrorSum, sum(abs(price - predicted) / price) AS relativeErrorSum,
         count(coverage) AS withRange, coalesce(sum(price BETWEEN range_low AND range_high), 0) AS inRange,
         total(coverage) AS coverageSum
       FROM outcomes AS reported
       WHERE at >= ?1 AND at < ?2 AND NOT EXISTS (SELECT 1 FROM outcomes AS later
         WHERE later.prediction = reported.prediction AND later.item = reported.item AND later.id > reported.id)
       GROUP BY model, model_version`,
    )
    .bind(from, before)
    .all<OutcomeCount>();
  return results;
}
