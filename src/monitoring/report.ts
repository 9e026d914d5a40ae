import { type Baseline, listBaselines } from "../db/registry/baselines.ts";
import { readCountedUntil, toHour } from "../db/request-log/rollup-hours.ts";
import { listRollups, type Rollup } from "../db/request-log/rollups.ts";
import { populationStabilityIndex } from "../domain/drift.ts";
import { percentile } from "../domain/latency.ts";
import type { Histograms } from "../domain/models/model-record.ts";
import { formatVersion, type ModelReference, parseVersion } from "../domain/models/model-reference.ts";
import {
  COVERAGE_Z,
  DRIFT_THRESHOLDS,
  type Drift,
  type ExpectedError,
  type LiveCoverage,
  type LiveError,
  MIN_STONES_FOR_VERDICT,
  type ModelTraffic,
  type Monitoring,
  WORSE_THAN_TESTED_RATIO,
} from "../domain/monitoring.ts";
import { HOUR_MS } from "../lib/time.ts";
import { formatInputSubject, listGrades } from "./count-inputs.ts";

/** The windows of monitoring, in hours. */
export const WINDOWS = { "24h": 24, "7d": 168, "30d": 720 } as const;
export type Window = keyof typeof WINDOWS;

type Counts = readonly number[];

/**
 * Reports traffic, latency, drift and live error of the current hour and the hours of a window before it. It
 * reads the hourly counts, so the cost grows with the number of hours and not with the number of requests.
 */
export async function createReport(
  { DB, LOG_DB }: Pick<Env, "DB" | "LOG_DB">,
  window: Window,
  now = Date.now(),
): Promise<Monitoring> {
  const currentHour = toHour(now);
  const firstHour = currentHour - WINDOWS[window];
  const [rollups, countedUntil] = await Promise.all([
    listRollups(LOG_DB, firstHour, currentHour),
    readCountedUntil(LOG_DB, now),
  ]);
  const latencies = toLatencyCounts(sumBySubject(rollups, "latency"));
  return {
    window,
    since: new Date(firstHour * HOUR_MS).toISOString(),
    countedUntil: countedUntil === null ? null : new Date(countedUntil).toISOString(),
    ...summarizeTraffic(latencies),
    routes: summarizeRoutes(latencies),
    models: await summarizeModels(DB, rollups),
  };
}

/** Adds up the counts of each subject over all hours. */
function sumBySubject(rollups: readonly Rollup[], kind: Rollup["kind"]): Map<string, number[]> {
  const sums = new Map<string, number[]>();
  for (const rollup of rollups) {
    if (rollup.kind !== kind) continue;
    const sum = sums.get(rollup.subject) ?? [];
    sums.set(rollup.subject, sum);
    addCounts(sum, rollup.counts);
  }
  return sums;
}

function addCounts(sum: number[], counts: Counts): void {
  for (const [bin, count] of counts.entries()) sum[bin] = (sum[bin] ?? 0) + count;
}

/** The requests of a route that were answered with a status, counted by duration. */
interface LatencyCounts {
  readonly route: string;
  readonly status: number;
  readonly bins: Counts;
}

function toLatencyCounts(latency: ReadonlyMap<string, Counts>): LatencyCounts[] {
  return Array.from(latency, ([subject, bins]) => {
    const [route = "", status] = subject.split(" ");
    return { route, status: Number(status), bins };
  }).filter(({ status }) => Number.isInteger(status));
}

function summarizeRoutes(latencies: readonly LatencyCounts[]): Monitoring["routes"] {
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

function summarizeTraffic(
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

/** Traffic, drift and live error of each model version that answered or that has outcomes. */
async function summarizeModels(db: D1Database, rollups: readonly Rollup[]): Promise<ModelTraffic[]> {
  const requests = sumBySubject(rollups, "model");
  const inputs = sumBySubject(rollups, "input");
  const outcomes = sumBySubject(rollups, "outcome");
  const coverages = sumBySubject(rollups, "coverage");
  const expected = sumBySubject(rollups, "expected");
  const versions = new Set([...requests.keys(), ...outcomes.keys()]);
  const models = Array.from(versions, parseVersion);
  const baselines = await listBaselines(db, models);
  return models
    .map((model) => {
      const version = formatVersion(model);
      const baseline = baselines.find((candidate) => formatVersion(candidate) === version);
      const live = measureLiveError(outcomes.get(version) ?? [], baseline);
      return {
        ...model,
        requests: sumCounts(requests.get(version) ?? []),
        stones: sumCounts(inputs.get(formatInputSubject(model, "price")) ?? []),
        drift: measureDrift(model, baseline?.histograms ?? null, inputs),
        live,
        coverage: measureCoverage(coverages.get(version) ?? []),
        expected: measureExpectedError(expected.get(version) ?? [], live),
      };
    })
    .sort((a, b) => b.requests - a.requests);
}

/** Compares the inputs of a model version with its training histograms, column by column. */
function measureDrift(
  model: ModelReference,
  histograms: Histograms | null,
  inputs: ReadonlyMap<string, Counts>,
): ModelTraffic["drift"] {
  if (histograms === null) return null;
  return Object.fromEntries(
    Object.entries(histograms).map(([column, { edges, counts }]) => {
      const bins =
        edges === undefined ? listGrades(column) : Array.from({ length: edges.length + 1 }, (_, bin) => bin);
      const expected = bins.map((bin) => counts[bin] ?? 0);
      return [column, compareWithBaseline(expected, inputs.get(formatInputSubject(model, column)) ?? [])];
    }),
  );
}

function compareWithBaseline(expected: Counts, actual: Counts): Drift {
  const stones = sumCounts(actual);
  if (stones === 0 || sumCounts(expected) === 0) return { stones, psi: null, verdict: "not enough data" };
  const psi = populationStabilityIndex(expected, actual);
  if (stones < MIN_STONES_FOR_VERDICT) return { stones, psi, verdict: "not enough data" };
  if (psi >= DRIFT_THRESHOLDS.significant) return { stones, psi, verdict: "significant" };
  return { stones, psi, verdict: psi >= DRIFT_THRESHOLDS.moderate ? "moderate" : "stable" };
}

/**
 * Compares the errors of reported outcomes with the model's error on test rows. The counts are the number of
 * outcomes, the sum of their absolute errors in US dollars, and the sum of these errors relative to the sale
 * prices.
 */
function measureLiveError(
  [stones = 0, absoluteErrorSum = 0, relativeErrorSum = 0]: Counts,
  baseline: Baseline | undefined,
): LiveError {
  const { mae: testMae = null, mape: testMape = null } = baseline?.metrics ?? {};
  if (stones === 0) return { stones, mae: null, mape: null, testMae, testMape, verdict: "not enough data" };
  const mae = absoluteErrorSum / stones;
  const figures = { stones, mae, mape: relativeErrorSum / stones, testMae, testMape };
  if (stones < MIN_STONES_FOR_VERDICT || testMae === null) return { ...figures, verdict: "not enough data" };
  return {
    ...figures,
    verdict: mae >= WORSE_THAN_TESTED_RATIO * testMae ? "worse than tested" : "as tested",
  };
}

/** The counts are the outcomes with a range, those inside of it, and the sum of the coverages. */
function measureCoverage([stones = 0, inRange = 0, coverageSum = 0]: Counts): LiveCoverage {
  if (stones === 0) {
    return { stones, inRange, coverage: null, promised: null, verdict: "not enough data" };
  }
  const coverage = inRange / stones;
  const promised = coverageSum / stones;
  const figures = { stones, inRange, coverage, promised };
  if (stones < MIN_STONES_FOR_VERDICT) return { ...figures, verdict: "not enough data" };
  const standardError = Math.sqrt((promised * (1 - promised)) / stones);
  return {
    ...figures,
    verdict: coverage < promised - COVERAGE_Z * standardError ? "below promised" : "as promised",
  };
}

/**
 * The mean of the errors that the calibration promises for the sampled stones. The counts are the stones, the
 * sum of the absolute errors in US dollars, and the sum of the relative errors.
 */
function measureExpectedError(
  [stones = 0, absoluteErrorSum = 0, relativeErrorSum = 0]: Counts,
  live: LiveError,
): ExpectedError {
  if (stones === 0) return { stones, mae: null, mape: null, verdict: "not enough data" };
  const mae = absoluteErrorSum / stones;
  const figures = { stones, mae, mape: relativeErrorSum / stones };
  if (Math.min(stones, live.stones) < MIN_STONES_FOR_VERDICT || live.mae === null) {
    return { ...figures, verdict: "not enough data" };
  }
  return {
    ...figures,
    verdict: live.mae >= WORSE_THAN_TESTED_RATIO * mae ? "worse than expected" : "as expected",
  };
}

function sumCounts(counts: Counts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
