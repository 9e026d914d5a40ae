import { and, gt, gte, inArray, lte, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { LATENCY_EDGES } from "../domain/latency.ts";
import { firstId } from "../domain/request-id.ts";
import { rollupHours, rollups, SEARCH_INDEXES } from "./log.ts";

export const HOUR_MS = 3_600_000;
/** An hour is complete when this has passed since its end: records are written some seconds after an answer. */
export const SETTLED_MS = 600_000;
/** Logged, but no traffic: what asks is a machine that wants to know whether the Worker is there. */
export const PROBES: readonly string[] = ["/health", "/ready"];

/** A count of what happened in an hour: how often each bin of a subject was met. */
export type Rollup = Omit<typeof rollups.$inferSelect, "hour">;

/** When an hour was counted; negative where it is to be counted again, 0 where it never was. */
export interface CountedHour {
  readonly hour: number;
  readonly countedAt: number;
}

export const hourOf = (at: number): number => Math.floor(at / HOUR_MS);

/** The hours that were not counted when they were complete, up to the present: the oldest ones. */
export async function listOpenHours(d1: D1Database, now: number, most: number): Promise<CountedHour[]> {
  const db = drizzle(d1);
  const [newest, open, oldest] = await Promise.all([
    db
      .select({ hour: sql<number | null>`max(${rollupHours.hour})` })
      .from(rollupHours)
      .where(gt(rollupHours.countedAt, 0))
      .get(),
    db
      .select()
      .from(rollupHours)
      .where(sql`${rollupHours.countedAt} < (${rollupHours.hour} + 1) * ${HOUR_MS} + ${SETTLED_MS}`)
      .orderBy(rollupHours.hour)
      .limit(most),
    d1.prepare("SELECT at FROM requests ORDER BY id LIMIT 1").first<{ at: number }>(),
  ]);
  const first = newest?.hour != null ? newest.hour + 1 : hourOf(oldest?.at ?? now);
  const hours = new Map(open.map((one) => [one.hour, one]));
  for (let hour = first; hour <= hourOf(now) && hour < first + most; hour++) {
    if (!hours.has(hour)) hours.set(hour, { hour, countedAt: 0 });
  }
  return [...hours.values()].sort((a, b) => a.hour - b.hour).slice(0, most);
}

/** Has the hours of late records counted again, or at all: to be run with their insertion. */
export function reopenHours(d1: D1Database, hours: readonly number[], now: number): D1PreparedStatement {
  return d1
    .prepare(
      `INSERT INTO rollup_hours (hour, counted_at) SELECT value, ?1 FROM json_each(?2) WHERE true
       ON CONFLICT (hour) DO UPDATE SET counted_at = excluded.counted_at`,
    )
    .bind(-now, JSON.stringify(hours));
}

/**
 * Replaces the counts of an hour, unless it was counted or reopened by another since it was read.
 * One transaction: two runs at once leave the counts of one of them.
 */
export async function replaceHour(
  d1: D1Database,
  { hour, countedAt: before }: CountedHour,
  counts: readonly Rollup[],
  countedAt: number,
): Promise<void> {
  const unchanged = "coalesce((SELECT counted_at FROM rollup_hours WHERE hour = ?1), 0) = ?2";
  await d1.batch([
    d1.prepare(`DELETE FROM rollups WHERE hour = ?1 AND ${unchanged}`).bind(hour, before),
    d1
      .prepare(
        `INSERT INTO rollups (hour, kind, subject, counts)
         SELECT ?1, value ->> 'kind', value ->> 'subject', value -> 'counts' FROM json_each(?3) WHERE ${unchanged}`,
      )
      .bind(hour, before, JSON.stringify(counts)),
    d1
      .prepare(
        `INSERT INTO rollup_hours (hour, counted_at) SELECT ?1, ?3 WHERE ${unchanged}
         ON CONFLICT (hour) DO UPDATE SET counted_at = excluded.counted_at`,
      )
      .bind(hour, before, countedAt),
  ]);
}

/** The counts from one hour to another, both included, and until when they go. */
export async function listRollups(
  d1: D1Database,
  from: number,
  to: number,
): Promise<{ counts: Rollup[]; countedAt: number | null }> {
  const db = drizzle(d1);
  const [counts, [newest]] = await db.batch([
    db
      .select({ kind: rollups.kind, subject: rollups.subject, counts: rollups.counts })
      .from(rollups)
      .where(and(gte(rollups.hour, from), lte(rollups.hour, to))),
    db
      .select({ countedAt: sql<number | null>`max(abs(${rollupHours.countedAt}))` })
      .from(rollupHours)
      .where(inArray(rollupHours.hour, [to - 1, to])),
  ]);
  return { counts, countedAt: newest?.countedAt ?? null };
}

/** How many requests of an hour were alike. */
export interface TrafficCount {
  readonly route: string | null;
  /** First digit of the status. */
  readonly class: number;
  readonly model: string | null;
  readonly version: number | null;
  /** Bin of the duration, see {@link LATENCY_EDGES}. */
  readonly bin: number;
  readonly requests: number;
}

const LATENCY_BIN = `CASE ${LATENCY_EDGES.map((edge, bin) => `WHEN duration_ms < ${edge} THEN ${bin}`).join(" ")} ELSE ${LATENCY_EDGES.length} END`;

const hourBounds = (hour: number) => [firstId(hour * HOUR_MS), firstId((hour + 1) * HOUR_MS)] as const;

/** An hour's traffic, without {@link PROBES}. */
export async function countTraffic(d1: D1Database, hour: number): Promise<TrafficCount[]> {
  const { results } = await d1
    .prepare(
      `SELECT route, status / 100 AS class, model, model_version AS version, ${LATENCY_BIN} AS bin,
         count(*) AS requests
       FROM requests WHERE id >= ?1 AND id < ?2 AND method <> 'OPTIONS'
         AND (route IS NULL OR route NOT IN (SELECT value FROM json_each(?3)))
       GROUP BY 1, 2, 3, 4, 5`,
    )
    .bind(...hourBounds(hour), JSON.stringify(PROBES))
    .all<TrafficCount>();
  return results;
}

/** What was asked and answered in a prediction. */
export interface PredictionRow {
  readonly id: string;
  readonly requestBody: string | null;
  readonly responseBody: string | null;
  readonly bodies: string | null;
  readonly price: number | null;
}

/** The predictions that a model version answered in an hour on a route, a page at a time. */
export async function* readPredictions(
  d1: D1Database,
  hour: number,
  { route, model, version }: { route: string; model: string; version: number },
  pageSize: number,
): AsyncGenerator<PredictionRow> {
  const { name, key } = SEARCH_INDEXES.answered;
  const [from, before] = hourBounds(hour);
  const page = d1.prepare(
    `SELECT id, request_body AS requestBody, response_body AS responseBody, bodies, price
     FROM requests INDEXED BY ${name}
     WHERE ${key} = ?1 AND id > ?2 AND id < ?3 AND status = 200 ORDER BY id LIMIT ?4`,
  );
  let after = from;
  for (;;) {
    const { results } = await page
      .bind(`${route} ${model}@${version}`, after, before, pageSize)
      .all<PredictionRow>();
    yield* results;
    const last = results.at(-1);
    if (last === undefined || results.length < pageSize) return;
    after = last.id;
  }
}
