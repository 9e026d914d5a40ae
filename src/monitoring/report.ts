import { type Baseline, listBaselines } from "../db/registry/baselines.ts";
import { readCountedUntil, toHour } from "../db/request-log/rollup-hours.ts";
import { type HourlyRollup, listRollups } from "../db/request-log/rollups.ts";
import { populationStabilityIndex } from "../domain/drift.ts";
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
import { type Counts, sumBySubject, sumCounts } from "./counts.ts";
import { summarizePeriods } from "./periods.ts";
import { summarizeRoutes, summarizeTraffic, toLatencyCounts } from "./traffic.ts";

/** The windows of monitoring, in hours. */
export const WINDOWS = { "24h": 24, "7d": 168, "30d": 720 } as const;
export type Window = keyof typeof WINDOWS;

/** The hours of a period of each window. A day has a whole number of periods. */
const PERIOD_HOURS = { "24h": 1, "7d": 6, "30d": 24 } as const satisfies Record<Window, number>;

type ReadBaselines = (versions: readonly ModelReference[]) => Promise<Baseline[]>;

/**
 * Reports traffic, latency, drift and live error of the current hour and the hours of a window before it. It
 * reads the hourly counts, so the cost grows with the number of hours and not with the number of requests.
 * @param readBaselines reads the registry, with the time limit of a request
 */
export async function createReport(
  { DB, LOG_DB }: Pick<Env, "DB" | "LOG_DB">,
  window: Window,
  now = Date.now(),
  readBaselines: ReadBaselines = (versions) => listBaselines(DB, versions),
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
    periods: summarizePeriods(rollups, { firstHour, currentHour, periodHours: PERIOD_HOURS[window] }),
    routes: summarizeRoutes(latencies),
    models: await summarizeModels(readBaselines, rollups),
  };
}

/** Traffic, drift and live error of each model version that answered or that has outcomes. */
async function summarizeModels(
  readBaselines: ReadBaselines,
  rollups: readonly HourlyRollup[],
): Promise<ModelTraffic[]> {
  const requests = sumBySubject(rollups, "model");
  const inputs = sumBySubject(rollups, "input");
  const outcomes = sumBySubject(rollups, "outcome");
  const coverages = sumBySubject(rollups, "coverage");
  const expected = sumBySubject(rollups, "expected");
  const versions = new Set([...requests.keys(), ...outcomes.keys()]);
  const models = Array.from(versions, parseVersion);
  const baselines = await readBaselines(models);
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
