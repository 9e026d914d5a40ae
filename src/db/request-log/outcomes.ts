import { and, desc, eq, or, type SQL, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { HOUR_MS } from "../../lib/time.ts";
import { outcomes, rollupHours } from "./schema.ts";

/** The sale price of a predicted stone, as one outcome request reported it. */
export type Outcome = typeof outcomes.$inferSelect;

/**
 * Inserts an outcome. Returns the earlier outcome of the same stone that it corrects, or null. Only the
 * newest outcome of a stone counts, so the hour of the corrected one is marked dirty.
 */
export async function insertOutcome(d1: D1Database, outcome: Outcome): Promise<Outcome | null> {
  const db = drizzle(d1);
  const sameStone = and(eq(outcomes.prediction, outcome.prediction), eq(outcomes.item, outcome.item));
  const [[corrected]] = await db.batch([
    db.select().from(outcomes).where(sameStone).orderBy(desc(outcomes.id)).limit(1),
    markOutcomeHoursDirty(db, sameStone),
    db.insert(outcomes).values(outcome),
  ]);
  return corrected ?? null;
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

/** Outcomes of the stones of a request, and the outcome that the request itself reported. */
const isRelatedTo = (request: string) => or(eq(outcomes.prediction, request), eq(outcomes.id, request));

export async function listRelatedOutcomes(d1: D1Database, request: string): Promise<Outcome[]> {
  return drizzle(d1).select().from(outcomes).where(isRelatedTo(request));
}

/** Deletes the outcomes that {@link listRelatedOutcomes} lists. A corrected outcome then counts again. */
export async function deleteOutcomes(d1: D1Database, request: string): Promise<void> {
  const db = drizzle(d1);
  const stones = db
    .select({ prediction: outcomes.prediction, item: outcomes.item })
    .from(outcomes)
    .where(isRelatedTo(request));
  await db.batch([
    markOutcomeHoursDirty(db, sql`(prediction, item) IN ${stones}`),
    db.delete(outcomes).where(isRelatedTo(request)),
  ]);
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
