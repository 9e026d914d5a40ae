import { percentile } from "../domain/latency.ts";
import type { Monitoring } from "../domain/monitoring.ts";
import { addCounts, type Counts, sumCounts } from "./counts.ts";

/** The requests of a route that were answered with a status, counted by duration. */
export interface LatencyCounts {
  readonly route: string;
  readonly status: number;
  readonly bins: Counts;
}

/** @param latency counts of durations, by `<route> <status>` */
export function toLatencyCounts(latency: ReadonlyMap<string, Counts>): LatencyCounts[] {
  return Array.from(latency, ([subject, bins]) => {
    const [route = "", status] = subject.split(" ");
    return { route, status: Number(status), bins };
  }).filter(({ status }) => Number.isInteger(status));
}

/** Traffic by endpoint, the one with the most requests first. */
export function summarizeRoutes(latencies: readonly LatencyCounts[]): Monitoring["routes"] {
  return Array.from(
    Map.groupBy(latencies, ({ route }) => route),
    ([route, ofRoute]) => ({
      route: route === "" ? null : route,
      ...summarizeTraffic(ofRoute),
      statuses: ofRoute
        .toSorted((a, b) => a.status - b.status)
        .map(({ status, bins }) => ({
          status,
          requests: sumCounts(bins),
          latency: computePercentiles(bins),
        })),
    }),
  ).sort((a, b) => b.requests - a.requests);
}

/** The shares are null without requests. */
export function summarizeTraffic(
  latencies: readonly LatencyCounts[],
): Pick<Monitoring, "requests" | "errorShare" | "refusedShare" | "latency"> {
  const bins: number[] = [];
  for (const counts of latencies) addCounts(bins, counts.bins);
  const requests = sumCounts(bins);
  const computeStatusFraction = (from: number, to: number) => {
    if (requests === 0) return null;
    const matching = latencies.filter(({ status }) => status >= from && status <= to);
    return matching.reduce((sum, counts) => sum + sumCounts(counts.bins), 0) / requests;
  };
  return {
    requests,
    errorShare: computeStatusFraction(500, 599),
    refusedShare: computeStatusFraction(400, 499),
    latency: computePercentiles(bins),
  };
}

function computePercentiles(bins: Counts): Monitoring["latency"] {
  return { p50: percentile(bins, 0.5), p95: percentile(bins, 0.95), p99: percentile(bins, 0.99) };
}
