import { and, desc, eq, or } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { outcomes } from "./log.ts";

/** What a predicted stone really sold for, as it was told once. */
export type Outcome = typeof outcomes.$inferSelect;

/** Keeps an outcome; returns the one of the same stone that it corrects, null where it is the first. */
export async function insertOutcome(d1: D1Database, outcome: Outcome): Promise<Outcome | null> {
  const db = drizzle(d1);
  const [[before]] = await db.batch([
    db
      .select()
      .from(outcomes)
      .where(and(eq(outcomes.prediction, outcome.prediction), eq(outcomes.item, outcome.item)))
      .orderBy(desc(outcomes.id))
      .limit(1),
    db.insert(outcomes).values(outcome),
  ]);
  return before ?? null;
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

export async function listOutcomesOf(d1: D1Database, request: string): Promise<Outcome[]> {
  return drizzle(d1).select().from(outcomes).where(areOf(request));
}

export async function deleteOutcomes(d1: D1Database, request: string): Promise<void> {
  await drizzle(d1).delete(outcomes).where(areOf(request));
}

/** How far a model version's prices were from what stones sold for. */
export interface LiveError {
  readonly model: string;
  readonly version: number;
  readonly stones: number;
  /** Mean absolute error, US dollars, and mean absolute percentage error, as a fraction. */
  readonly mae: number;
  readonly mape: number;
}

/** By model version, over the outcomes told since a time; of each stone the newest one alone counts. */
export async function liveErrors(d1: D1Database, since: number): Promise<LiveError[]> {
  const { results } = await d1
    .prepare(
      `SELECT model, model_version AS version, count(*) AS stones,
         avg(abs(price - predicted)) AS mae, avg(abs(price - predicted) / price) AS mape
       FROM outcomes AS told
       WHERE at >= ?1 AND NOT EXISTS (SELECT 1 FROM outcomes AS later
         WHERE later.prediction = told.prediction AND later.item = told.item AND later.id > told.id)
       GROUP BY model, model_version`,
    )
    .bind(since)
    .all<LiveError>();
  return results;
}
