import type { HourlyRollup } from "../db/request-log/rollups.ts";
import type { Monitoring } from "../domain/monitoring.ts";
import { HOUR_MS } from "../lib/time.ts";
import { addCounts, sumBySubject } from "./counts.ts";
import { summarizeTraffic, toLatencyCounts } from "./traffic.ts";

/**
 * Divides a window into periods that start at whole multiples of `periodHours` since 1970, in UTC, so that the
 * figures of a period stay the same from one call to the next. The first period starts with the window.
 * @param span first and last hour, both included, counted from 1970
 */
export function summarizePeriods(
  rollups: readonly HourlyRollup[],
  span: { readonly firstHour: number; readonly currentHour: number; readonly periodHours: number },
): Monitoring["periods"] {
  const toPeriod = (hour: number) => hour - (hour % span.periodHours);
  const byPeriod = Map.groupBy(rollups, ({ hour }) => toPeriod(hour));
  const periods: Monitoring["periods"] = [];
  for (let start = toPeriod(span.firstHour); start <= span.currentHour; start += span.periodHours) {
    const ofPeriod = byPeriod.get(start) ?? [];
    periods.push({
      from: new Date(Math.max(start, span.firstHour) * HOUR_MS).toISOString(),
      ...summarizeTraffic(toLatencyCounts(sumBySubject(ofPeriod, "latency"))),
      live: averageError(ofPeriod, "outcome"),
      expected: averageError(ofPeriod, "expected"),
    });
  }
  return periods;
}

/** The counts of these kinds begin with the stones and the sum of their absolute errors in US dollars. */
function averageError(rollups: readonly HourlyRollup[], kind: "outcome" | "expected") {
  const sums: number[] = [];
  for (const counts of sumBySubject(rollups, kind).values()) addCounts(sums, counts);
  const [stones = 0, absoluteErrorSum = 0] = sums;
  return { stones, mae: stones === 0 ? null : absoluteErrorSum / stones };
}
