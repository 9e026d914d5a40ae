/** The hours whose requests are counted, and those that must be counted (again). */
import { HOUR_MS } from "../../lib/time.ts";

/** An hour is complete this long after its end, because records are written some seconds after a response. */
export const HOUR_COMPLETE_AFTER_MS = 600_000;
/** How far back a run looks for hours that were never counted. It is longer than any monitoring window. */
const MAX_LOOKBACK_HOURS = 2_400;

/** An hour that must be counted. */
export interface DirtyHour {
  readonly hour: number;
  /** When it was last counted; 0 if it never was. */
  readonly countedAt: number;
  /** How often it was marked dirty since then. */
  readonly dirty: number;
}

export const toHour = (at: number): number => Math.floor(at / HOUR_MS);

/**
 * Lists hours that were not counted since they were complete, or that were marked dirty after their count.
 * The newest come first, so that an old hour that cannot be counted does not block the others.
 */
export async function listDirtyHours(d1: D1Database, now: number, limit: number): Promise<DirtyHour[]> {
  const currentHour = toHour(now);
  const [, { results } = { results: [] }] = await d1.batch<DirtyHour>([
    // Adds a row for each hour since the newest row. The first run starts at the oldest request.
    d1
      .prepare(
        `WITH RECURSIVE hours(hour) AS (
           SELECT max(?1 - ?2, coalesce(
             (SELECT hour + 1 FROM rollup_hours WHERE hour <= ?1 AND (counted_at > 0 OR pending = 0)
              ORDER BY hour DESC LIMIT 1),
             (SELECT at / ${HOUR_MS} FROM requests ORDER BY id LIMIT 1), ?1))
           UNION ALL SELECT hour + 1 FROM hours WHERE hour < ?1)
         INSERT INTO rollup_hours (hour, counted_at) SELECT CAST(hour AS INTEGER), 0 FROM hours WHERE hour <= ?1
         ON CONFLICT DO NOTHING`,
      )
      .bind(currentHour, MAX_LOOKBACK_HOURS),
    d1
      .prepare(
        `SELECT hour, counted_at AS countedAt, pending AS dirty FROM rollup_hours
         WHERE hour <= ?1 AND (pending > 0 OR counted_at < (hour + 1) * ${HOUR_MS} + ${HOUR_COMPLETE_AFTER_MS})
         ORDER BY hour DESC LIMIT ?2`,
      )
      .bind(currentHour, limit),
  ]);
  return results;
}

/** Marks hours dirty. The statement runs in the same transaction as the change to the data of these hours. */
export function markHoursDirty(d1: D1Database, hours: readonly number[]): D1PreparedStatement {
  return d1
    .prepare(
      `INSERT INTO rollup_hours (hour, counted_at, pending) SELECT value, 0, 1 FROM json_each(?1) WHERE true
       ON CONFLICT (hour) DO UPDATE SET pending = pending + 1`,
    )
    .bind(JSON.stringify(hours));
}

/** The time up to which requests are counted, milliseconds since 1970; null before the first count. */
export async function readCountedUntil(d1: D1Database, now: number): Promise<number | null> {
  const newest = await d1
    .prepare(
      `SELECT min(counted_at, (hour + 1) * ${HOUR_MS}) AS until FROM rollup_hours
       WHERE counted_at > 0 AND hour <= ?1 ORDER BY hour DESC LIMIT 1`,
    )
    .bind(toHour(now))
    .first<{ until: number }>();
  return newest?.until ?? null;
}
