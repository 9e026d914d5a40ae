import { type Baseline, listBaselines } from "../db/registry/baselines.ts";
import { HOUR_MS, hourOf, readCountedUntil } from "../db/request-log/rollup-hours.ts";
import { listRollups, type Rollup } from "../db/request-log/rollups.ts";
import { populationStabilityIndex } from "../domain/drift.ts";
import { percentile } from "../domain/latency.ts";
import type { Histograms, ModelReference } from "../domain/model-record.ts";
import { formatVersion } from "../domain/model-selector.ts";
import {
  DRIFT_BANDS,
  type Drift,
  type LiveError,
  MIN_STONES_FOR_VERDICT,
  type ModelTraffic,
  type Monitoring,
  WORSE_THAN_TESTED_RATIO,
} from "../domain/monitoring.ts";
import { gradesOf, inputSubject } from "./count-inputs.ts";

/** The windows of monitoring, in hours. */
export const WINDOWS = { "24h": 24, "7d": 168, "30d": 720 } as const;
export type Window = keyof typeof WINDOWS;

type Counts = readonly number[];

/**
 * Traffic, latency, drift and live error of the hours of a window and the one that is on: from the hourly
 * counts, so that the cost is that of the hours, not of the requests.
 */
export async function createReport(
  { DB, LOG_DB }: Pick<Env, "DB" | "LOG_DB">,
  window: Window,
  now = Date.now(),
): Promise<Monitoring> {
  const present = hourOf(now);
  const since = present - WINDOWS[window];
  const [counts, countedUntil] = await Promise.all([
    listRollups(LOG_DB, since, present),
    readCountedUntil(LOG_DB, now),
  ]);
  const answers = answersOf(sumBySubject(counts, "latency"));
  const answered = sumBySubject(counts, "model");
  const inputs = sumBySubject(counts, "input");
  const outcomes = sumBySubject(counts, "outcome");
  const versions = new Map<string, ModelReference>();
  for (const subject of [...answered.keys(), ...outcomes.keys()])
    versions.set(subject, parseVersion(subject));
  const yardsticks = await listBaselines(DB, [...versions.values()]);
  const models = [...versions].map(([key, model]): ModelTraffic => {
    const yardstick = yardsticks.find((one) => formatVersion(one) === key);
    return {
      ...model,
      requests: total(answered.get(key) ?? []),
      stones: total(inputs.get(inputSubject(model, "price")) ?? []),
      drift: driftOf(model, yardstick?.histograms ?? null, inputs),
      live: liveOf(outcomes.get(key) ?? [], yardstick),
    };
  });
  return {
    window,
    since: new Date(since * HOUR_MS).toISOString(),
    countedUntil: countedUntil === null ? null : new Date(countedUntil).toISOString(),
    ...traffic(answers),
    routes: routesOf(answers),
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

/** The requests of a route that were answered with a status, by their duration. */
interface Answers {
  readonly route: string;
  readonly status: number;
  readonly bins: Counts;
}

function answersOf(latency: ReadonlyMap<string, Counts>): Answers[] {
  return Array.from(latency, ([subject, bins]) => {
    const [route = "", status] = subject.split(" ");
    return { route, status: Number(status), bins };
  }).filter(({ status }) => Number.isInteger(status));
}

function routesOf(answers: readonly Answers[]): Monitoring["routes"] {
  return Array.from(
    Map.groupBy(answers, ({ route }) => route),
    ([route, ofRoute]) => ({
      route: route === "" ? null : route,
      ...traffic(ofRoute),
      statuses: ofRoute
        .toSorted((a, b) => a.status - b.status)
        .map(({ status, bins }) => ({ status, requests: total(bins), latency: latencyOf(bins) })),
    }),
  ).sort((a, b) => b.requests - a.requests);
}

function traffic(
  answers: readonly Answers[],
): Pick<Monitoring, "requests" | "errorShare" | "refusedShare" | "latency"> {
  const bins: number[] = [];
  for (const one of answers)
    one.bins.forEach((count, bin) => {
      bins[bin] = (bins[bin] ?? 0) + count;
    });
  const requests = total(bins);
  const share = (from: number, to: number) => {
    if (requests === 0) return null;
    const some = answers.filter(({ status }) => status >= from && status <= to);
    return some.reduce((sum, one) => sum + total(one.bins), 0) / requests;
  };
  return {
    requests,
    errorShare: share(500, 599),
    refusedShare: share(400, 499),
    latency: latencyOf(bins),
  };
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
  const psi = populationStabilityIndex(expected, actual);
  if (stones < MIN_STONES_FOR_VERDICT) return { stones, psi, verdict: "not enough data" };
  if (psi >= DRIFT_BANDS.significant) return { stones, psi, verdict: "significant" };
  return { stones, psi, verdict: psi >= DRIFT_BANDS.moderate ? "moderate" : "stable" };
}

/** From the number of outcomes, and the sums of their absolute errors in dollars and as shares. */
function liveOf([stones = 0, error = 0, share = 0]: Counts, yardstick: Baseline | undefined): LiveError {
  const { mae: testMae = null, mape: testMape = null } = yardstick?.metrics ?? {};
  if (stones === 0) return { stones, mae: null, mape: null, testMae, testMape, verdict: "not enough data" };
  const mae = error / stones;
  const figures = { stones, mae, mape: share / stones, testMae, testMape };
  if (stones < MIN_STONES_FOR_VERDICT || testMae === null) return { ...figures, verdict: "not enough data" };
  return {
    ...figures,
    verdict: mae >= WORSE_THAN_TESTED_RATIO * testMae ? "worse than tested" : "as tested",
  };
}

function total(counts: Counts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function parseVersion(text: string): ModelReference {
  const [name = "", version] = text.split("@");
  return { name, version: Number(version) };
}
