/** Which hours are to be counted. */

export const HOUR_MS = 3_600_000;
/** An hour is complete when this has passed since its end: records are written some seconds after an answer. */
export const HOUR_COMPLETE_AFTER_MS = 600_000;
/** How far back hours are looked for that nobody counted: further than any window of monitoring. */
const MAX_GAP_HOURS = 2_400;

/** An hour that is to be counted: when it was last, 0 for never, and how often it was reopened since then. */
export interface DirtyHour {
  readonly hour: number;
  readonly countedAt: number;
  readonly dirty: number;
}

export const hourOf = (at: number): number => Math.floor(at / HOUR_MS);

/**
 * The hours up to the present that were not counted since they were complete, or into which something came
 * since then; the newest first, so that an old one that cannot be counted stands in nobody's way.
 */
export async function listDirtyHours(d1: D1Database, now: number, most: number): Promise<DirtyHour[]> {
  const present = hourOf(now);
  const [, { results } = { results: [] }] = await d1.batch<DirtyHour>([
    // A row for each hour since the last one that a run found; the first run begins with the oldest request.
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
      .bind(present, MAX_GAP_HOURS),
    d1
      .prepare(
        `SELECT hour, counted_at AS countedAt, pending AS dirty FROM rollup_hours
         WHERE hour <= ?1 AND (pending > 0 OR counted_at < (hour + 1) * ${HOUR_MS} + ${HOUR_COMPLETE_AFTER_MS})
         ORDER BY hour DESC LIMIT ?2`,
      )
      .bind(present, most),
  ]);
  return results;
}

/** Has hours counted again, or at all: to be run together with what comes into them. */
export function markHoursDirty(d1: D1Database, hours: readonly number[]): D1PreparedStatement {
  return d1
    .prepare(
      `INSERT INTO rollup_hours (hour, counted_at, pending) SELECT value, 0, 1 FROM json_each(?1) WHERE true
       ON CONFLICT (hour) DO UPDATE SET pending = pending + 1`,
    )
    .bind(JSON.stringify(hours));
}

/** Until when requests are counted, milliseconds since 1970; null before the first count. */
export async function readCountedUntil(d1: D1Database, now: number): Promise<number | null> {
  const newest = await d1
    .prepare(
      `SELECT min(counted_at, (hour + 1) * ${HOUR_MS}) AS until FROM rollup_hours
       WHERE counted_at > 0 AND hour <= ?1 ORDER BY hour DESC LIMIT 1`,
    )
    .bind(hourOf(now))
    .first<{ until: number }>();
  return newest?.until ?? null;
}
