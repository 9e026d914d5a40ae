import { and, gte, lte } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { LATENCY_EDGES } from "../../domain/latency.ts";
import { firstIdAt } from "../../domain/request-id.ts";
import { type DirtyHour, HOUR_MS } from "./rollup-hours.ts";
import { rollups } from "./schema.ts";

/** Logged, but no traffic: what asks is a machine that wants to know whether the Worker is there. */
export const PROBE_ROUTES: readonly string[] = ["/health", "/ready"];

/** A count of what happened in an hour: how often each bin of a subject was met. */
export type Rollup = Omit<typeof rollups.$inferSelect, "hour">;

/**
 * Replaces the counts of an hour, all or those of one kind, unless it was counted or reopened by another
 * since it was read. One transaction: two runs at once leave the counts of one of them.
 */
export async function replaceHourCounts(
  d1: D1Database,
  { hour, countedAt: before, dirty }: DirtyHour,
  counts: readonly Rollup[],
  { countedAt, kind }: { readonly countedAt: number; readonly kind?: Rollup["kind"] | undefined },
): Promise<void> {
  const unchanged =
    "EXISTS (SELECT 1 FROM rollup_hours WHERE hour = ?1 AND counted_at = ?2 AND pending = ?3)";
  await d1.batch([
    d1
      .prepare(`DELETE FROM rollups WHERE hour = ?1 AND (?4 IS NULL OR kind = ?4) AND ${unchanged}`)
      .bind(hour, before, dirty, kind ?? null),
    d1
      .prepare(
        `INSERT INTO rollups (hour, kind, subject, counts)
         SELECT ?1, value ->> 'kind', value ->> 'subject', value -> 'counts' FROM json_each(?4) WHERE ${unchanged}`,
      )
      .bind(hour, before, dirty, JSON.stringify(counts)),
    d1
      .prepare(
        `UPDATE rollup_hours SET counted_at = ?4, pending = 0
         WHERE hour = ?1 AND counted_at = ?2 AND pending = ?3`,
      )
      .bind(hour, before, dirty, countedAt),
  ]);
}

/** The counts from one hour to another, both included. */
export async function listRollups(d1: D1Database, from: number, to: number): Promise<Rollup[]> {
  return drizzle(d1)
    .select({ kind: rollups.kind, subject: rollups.subject, counts: rollups.counts })
    .from(rollups)
    .where(and(gte(rollups.hour, from), lte(rollups.hour, to)));
}

/** How many requests of an hour were alike. */
export interface TrafficCount {
  readonly route: string | null;
  readonly status: number;
  readonly model: string | null;
  readonly version: number | null;
  /** Bin of the duration, see {@link LATENCY_EDGES}. */
  readonly bin: number;
  readonly requests: number;
}

const LATENCY_BIN = `CASE ${LATENCY_EDGES.map((edge, bin) => `WHEN duration_ms < ${edge} THEN ${bin}`).join(" ")} ELSE ${LATENCY_EDGES.length} END`;

const hourBounds = (hour: number) => [firstIdAt(hour * HOUR_MS), firstIdAt((hour + 1) * HOUR_MS)] as const;

/** An hour's traffic, without {@link PROBE_ROUTES}. */
export async function countTraffic(d1: D1Database, hour: number): Promise<TrafficCount[]> {
  const { results } = await d1
    .prepare(
      `SELECT route, status, model, model_version AS version, ${LATENCY_BIN} AS bin, count(*) AS requests
       FROM requests WHERE id >= ?1 AND id < ?2 AND method <> 'OPTIONS'
         AND (route IS NULL OR route NOT IN (SELECT value FROM json_each(?3)))
       GROUP BY 1, 2, 3, 4, 5`,
    )
    .bind(...hourBounds(hour), JSON.stringify(PROBE_ROUTES))
    .all<TrafficCount>();
  return results;
}
