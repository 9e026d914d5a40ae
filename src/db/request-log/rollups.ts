import { and, gte, lte } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { LATENCY_EDGES_MS } from "../../domain/latency.ts";
import { firstIdAt } from "../../domain/request-id.ts";
import { PROBE_ROUTES } from "../../domain/routes.ts";
import { HOUR_MS } from "../../lib/time.ts";
import type { DirtyHour } from "./rollup-hours.ts";
import { rollups } from "./schema.ts";

/** The counts of one subject in an hour, one count for each bin. */
export type Rollup = Omit<HourlyRollup, "hour">;
/** A {@link Rollup} with its hour, counted from 1970. */
export type HourlyRollup = typeof rollups.$inferSelect;

/**
 * Replaces the counts of an hour: all of them, or those of some kinds. It changes nothing if the hour
 * was counted or marked dirty after `hour` was read. It is one transaction, so of two simultaneous runs the
 * counts of one remain.
 */
export async function replaceHourCounts(
  d1: D1Database,
  { hour, countedAt: previouslyCountedAt, dirty }: DirtyHour,
  counts: readonly Rollup[],
  {
    countedAt,
    kinds,
  }: { readonly countedAt: number; readonly kinds?: readonly Rollup["kind"][] | undefined },
): Promise<void> {
  const unchanged =
    "EXISTS (SELECT 1 FROM rollup_hours WHERE hour = ?1 AND counted_at = ?2 AND pending = ?3)";
  await d1.batch([
    d1
      .prepare(
        `DELETE FROM rollups WHERE hour = ?1 AND (?4 IS NULL OR kind IN (SELECT value FROM json_each(?4))) AND ${unchanged}`,
      )
      .bind(hour, previouslyCountedAt, dirty, kinds ? JSON.stringify(kinds) : null),
    d1
      .prepare(
        `INSERT INTO rollups (hour, kind, subject, counts)
         SELECT ?1, value ->> 'kind', value ->> 'subject', value -> 'counts' FROM json_each(?4) WHERE ${unchanged}`,
      )
      .bind(hour, previouslyCountedAt, dirty, JSON.stringify(counts)),
    d1
      .prepare(
        `UPDATE rollup_hours SET counted_at = ?4, pending = 0
         WHERE hour = ?1 AND counted_at = ?2 AND pending = ?3`,
      )
      .bind(hour, previouslyCountedAt, dirty, countedAt),
  ]);
}

/** The counts from one hour to another, both included. */
export async function listRollups(d1: D1Database, from: number, to: number): Promise<HourlyRollup[]> {
  return drizzle(d1)
    .select()
    .from(rollups)
    .where(and(gte(rollups.hour, from), lte(rollups.hour, to)));
}

/** The number of requests of an hour that have the same route, status, model version and latency bin. */
export interface TrafficCount {
  readonly route: string | null;
  readonly status: number;
  readonly model: string | null;
  readonly version: number | null;
  /** Bin of the duration, see {@link LATENCY_EDGES_MS}. */
  readonly bin: number;
  readonly requests: number;
}

const LATENCY_BIN = `CASE ${LATENCY_EDGES_MS.map((edge, bin) => `WHEN duration_ms < ${edge} THEN ${bin}`).join(" ")} ELSE ${LATENCY_EDGES_MS.length} END`;

/** Counts the traffic of an hour. {@link PROBE_ROUTES} and OPTIONS requests are not traffic. */
export async function countTraffic(d1: D1Database, hour: number): Promise<TrafficCount[]> {
  const { results } = await d1
    .prepare(
      `SELECT route, status, model, model_version AS version, ${LATENCY_BIN} AS bin, sum(1 + coalesce(repeats, 0)) AS requests
       FROM requests WHERE id >= ?1 AND id < ?2 AND method <> 'OPTIONS'
         AND (route IS NULL OR route NOT IN (SELECT value FROM json_each(?3)))
       GROUP BY 1, 2, 3, 4, 5`,
    )
    .bind(firstIdAt(hour * HOUR_MS), firstIdAt((hour + 1) * HOUR_MS), JSON.stringify(PROBE_ROUTES))
    .all<TrafficCount>();
  return results;
}
