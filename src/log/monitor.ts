import { type LiveError as Errors, liveErrors } from "../db/outcomes.ts";
import { HOUR_MS, hourOf, listRollups, type Rollup } from "../db/rollups.ts";
import { listYardsticks, type Yardstick } from "../db/yardsticks.ts";
import { populationStability } from "../domain/drift.ts";
import { percentile } from "../domain/latency.ts";
import type { Histograms, ModelReference } from "../domain/model-record.ts";
import {
  DRIFT_BANDS,
  type Drift,
  ENOUGH,
  type LiveError,
  type ModelTraffic,
  type Monitoring,
  WORSE_FROM,
} from "../domain/monitoring.ts";
import { formatVersion } from "../domain/selector.ts";
import { gradesOf, inputSubject } from "./rollup.ts";

/** The windows of monitoring, in hours. */
export const WINDOWS = { "24h": 24, "7d": 168, "30d": 720 } as const;
export type Window = keyof typeof WINDOWS;

type Counts = readonly number[];

/**
 * Traffic, latency, drift and live error of the hours of a window and the one that is on: from the hourly
 * counts, so that the cost is that of the hours, not of the requests.
 */
export async function monitor(
  { DB, LOG_DB }: Pick<Env, "DB" | "LOG_DB">,
  window: Window,
  now = Date.now(),
): Promise<Monitoring> {
  const present = hourOf(now);
  const since = present - WINDOWS[window];
  const [{ counts, countedAt }, errors] = await Promise.all([
    listRollups(LOG_DB, since, present),
    liveErrors(LOG_DB, since * HOUR_MS),
  ]);
  const latency = sumBySubject(counts, "latency");
  const answered = sumBySubject(counts, "model");
  const inputs = sumBySubject(counts, "input");
  const versions = new Map<string, ModelReference>();
  for (const subject of answered.keys()) versions.set(subject, parseVersion(subject));
  for (const { model: name, version } of errors) versions.set(`${name}@${version}`, { name, version });
  const yardsticks = await listYardsticks(DB, [...versions.values()]);
  const models = [...versions].map(([key, model]): ModelTraffic => {
    const yardstick = yardsticks.find((one) => formatVersion(one) === key);
    return {
      ...model,
      requests: total(answered.get(key) ?? []),
      stones: total(inputs.get(inputSubject(model, "price")) ?? []),
      drift: driftOf(model, yardstick?.histograms ?? null, inputs),
      live: liveOf(
        errors.find((one) => one.model === model.name && one.version === model.version),
        yardstick,
      ),
    };
  });
  return {
    window,
    since: new Date(since * HOUR_MS).toISOString(),
    countedUntil: countedAt === null ? null : new Date(countedAt).toISOString(),
    ...traffic(Array.from(latency, ([subject, bins]) => ({ class: subject.split(" ")[1] ?? "", bins }))),
    routes: routesOf(latency),
    models: models.sort((a, b) => b.requests - a.requests),
  };
}

function sumBySubject(rollups: readonly Rollup[], kind: Rollup["kind"]): Map<string, number[]> {
  const sums = new Map<string, number[]>();
  for (const rollup of rollups) {
    if (rollup.kind !== kind) continue;
    const sum = sums.get(rollup.subject);
    if (sum === undefined) sums.set(rollup.subject, rollup.counts);
    else
      rollup.counts.forEach((count, bin) => {
        sum[bin] = (sum[bin] ?? 0) + count;
      });
  }
  return sums;
}

interface ByClass {
  /** `2xx`. */
  readonly class: string;
  readonly bins: Counts;
}

function routesOf(latency: ReadonlyMap<string, Counts>): Monitoring["routes"] {
  const byRoute = new Map<string, ByClass[]>();
  for (const [subject, bins] of latency) {
    const [route = "", status = ""] = subject.split(" ");
    byRoute.set(route, [...(byRoute.get(route) ?? []), { class: status, bins }]);
  }
  return Array.from(byRoute, ([route, classes]) => ({
    route: route === "" ? null : route,
    ...traffic(classes),
    statuses: classes
      .sort((a, b) => (a.class < b.class ? -1 : 1))
      .map((one) => ({ class: one.class, requests: total(one.bins), latency: latencyOf(one.bins) })),
  })).sort((a, b) => b.requests - a.requests);
}

function traffic(
  classes: readonly ByClass[],
): Pick<Monitoring, "requests" | "errorShare" | "refusedShare" | "latency"> {
  const bins: number[] = [];
  for (const one of classes)
    one.bins.forEach((count, bin) => {
      bins[bin] = (bins[bin] ?? 0) + count;
    });
  const requests = total(bins);
  const share = (status: string) =>
    requests === 0
      ? null
      : classes.filter((one) => one.class === status).reduce((sum, one) => sum + total(one.bins), 0) /
        requests;
  return { requests, errorShare: share("5xx"), refusedShare: share("4xx"), latency: latencyOf(bins) };
}

function latencyOf(bins: Counts): Monitoring["latency"] {
  return { p50: percentile(bins, 0.5), p95: percentile(bins, 0.95), p99: percentile(bins, 0.99) };
}

function driftOf(
  model: ModelReference,
  histograms: Histograms | null,
  inputs: ReadonlyMap<string, Counts>,
): ModelTraffic["drift"] {
  if (histograms === null) return null;
  return Object.fromEntries(
    Object.entries(histograms).map(([column, { edges, counts }]) => {
      const bins =
        edges === undefined ? gradesOf(column) : Array.from({ length: edges.length + 1 }, (_, i) => i);
      const expected = bins.map((bin) => counts[bin] ?? 0);
      return [column, judgeDrift(expected, inputs.get(inputSubject(model, column)) ?? [])];
    }),
  );
}

function judgeDrift(expected: Counts, actual: Counts): Drift {
  const stones = total(actual);
  if (stones === 0 || total(expected) === 0) return { stones, psi: null, verdict: "not enough data" };
  const psi = populationStability(expected, actual);
  if (stones < ENOUGH) return { stones, psi, verdict: "not enough data" };
  if (psi >= DRIFT_BANDS.significant) return { stones, psi, verdict: "significant" };
  return { stones, psi, verdict: psi >= DRIFT_BANDS.moderate ? "moderate" : "stable" };
}

function liveOf(errors: Errors | undefined, yardstick: Yardstick | undefined): LiveError {
  const { stones = 0, mae = null, mape = null } = errors ?? {};
  const { mae: testMae = null, mape: testMape = null } = yardstick?.metrics ?? {};
  const figures = { stones, mae, mape, testMae, testMape };
  if (stones < ENOUGH || mae === null || testMae === null) return { ...figures, verdict: "not enough data" };
  return { ...figures, verdict: mae >= WORSE_FROM * testMae ? "worse than tested" : "as tested" };
}

function total(counts: Counts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function parseVersion(text: string): ModelReference {
  const [name = "", version] = text.split("@");
  return { name, version: Number(version) };
}
