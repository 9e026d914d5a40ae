import { and, desc, eq, or, type SQL, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { HOUR_MS } from "./rollup-hours.ts";
import { outcomes, rollupHours } from "./schema.ts";

/** What a predicted stone really sold for, as it was told once. */
export type Outcome = typeof outcomes.$inferSelect;

/**
 * Keeps an outcome; returns the one of the same stone that it corrects, null where it is the first. The
 * corrected one counts no more: its hour is counted again.
 */
export async function insertOutcome(d1: D1Database, outcome: Outcome): Promise<Outcome | null> {
  const db = drizzle(d1);
  const stone = and(eq(outcomes.prediction, outcome.prediction), eq(outcomes.item, outcome.item));
  const [[before]] = await db.batch([
    db.select().from(outcomes).where(stone).orderBy(desc(outcomes.id)).limit(1),
    markOutcomeHoursDirty(db, stone),
    db.insert(outcomes).values(outcome),
  ]);
  return before ?? null;
}

/** Has the hours of outcomes counted again: to be run together with what changes which of them count. */
function markOutcomeHoursDirty(db: DrizzleD1Database, which: SQL | undefined) {
  const hours = db
    .selectDistinct({
      hour: sql`${outcomes.at} / ${sql.raw(String(HOUR_MS))}`.as("hour"),
      countedAt: sql`0`.as("counted_at"),
      dirty: sql`1`.as("pending"),
    })
    .from(outcomes)
    .where(which);
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

/** Those of a request's stones, and the one that the request told. */
const areOf = (request: string) => or(eq(outcomes.prediction, request), eq(outcomes.id, request));

export async function listRelatedOutcomes(d1: D1Database, request: string): Promise<Outcome[]> {
  return drizzle(d1).select().from(outcomes).where(areOf(request));
}

/** Deletes them; where one was a correction, the one before it counts again. */
export async function deleteOutcomes(d1: D1Database, request: string): Promise<void> {
  const db = drizzle(d1);
  const stones = db
    .select({ prediction: outcomes.prediction, item: outcomes.item })
    .from(outcomes)
    .where(areOf(request));
  await db.batch([
    markOutcomeHoursDirty(db, sql`(prediction, item) IN ${stones}`),
    db.delete(outcomes).where(areOf(request)),
  ]);
}

/** How far a model version's prices were from what stones sold for. */
export interface OutcomeCount {
  readonly model: string;
  readonly version: number;
  readonly stones: number;
  /** Sum of the absolute errors, US dollars, and of the absolute errors as shares of the price. */
  readonly error: number;
  readonly share: number;
}

/** By model version, over the outcomes told from one time to another; of each stone the newest one alone counts. */
export async function countOutcomes(d1: D1Database, from: number, before: number): Promise<OutcomeCount[]> {
  const { results } = await d1
    .prepare(
      `SELECT model, model_version AS version, count(*) AS stones,
         sum(abs(price - predicted)) AS error, sum(abs(price - predicted) / price) AS share
       FROM outcomes AS told
       WHERE at >= ?1 AND at < ?2 AND NOT EXISTS (SELECT 1 FROM outcomes AS later
         WHERE later.prediction = told.prediction AND later.item = told.item AND later.id > told.id)
       GROUP BY model, model_version`,
    )
    .bind(from, before)
    .all<OutcomeCount>();
  return results;
}
