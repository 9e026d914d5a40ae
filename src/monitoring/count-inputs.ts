import type { Baseline } from "../db/registry/baselines.ts";
import { type PredictionRow, samplePredictions } from "../db/request-log/samples.ts";
import { findGrade, GRADES, type GradeColumn } from "../domain/diamond.ts";
import { findBin } from "../domain/drift.ts";
import { formatVersion, type ModelReference } from "../domain/models/model-reference.ts";
import { DRIFT_SAMPLE } from "../domain/monitoring.ts";
import {
  type Calibration,
  computeExpectedErrors,
  findDistribution,
} from "../domain/prediction/calibration.ts";
import { BATCH_ROUTE, PREDICTION_ROUTES } from "../domain/routes.ts";
import type { CallBudget } from "../lib/call-budget.ts";
import { TimeoutError, withTimeout } from "../lib/timeout.ts";
import { readBodies } from "../request-log/bodies.ts";
import { type PricedInput, readPricedStones } from "../request-log/read/predictions.ts";
import type { Counter } from "./counter.ts";

/**
 * The maximum number of calls for one version: a statement per route, and the bodies of batches in the
 * bucket.
 */
export const MAX_CALLS_PER_VERSION =
  PREDICTION_ROUTES.length + DRIFT_SAMPLE.slicesPerHour * DRIFT_SAMPLE.batchesPerSlice;
/** A prediction whose bodies take longer to read is left out, because the others are a sample as well. */
const BODIES_READ_TIMEOUT_MS = 5_000;
const BODIES_READ_AT_ONCE = 2;

interface Run extends Pick<Env, "LOG_DB" | "MODELS"> {
  readonly budget: CallBudget;
}

/**
 * Counts the values of each column, and the prices, in the bins of the model's training histograms, and sums
 * the errors that the model's calibration promises. It counts a sample of the hour's predictions: proportions
 * and means are compared, and an hour can have a million predictions.
 */
export async function countInputs(
  run: Run,
  hour: number,
  { name, version, histograms, calibration }: Baseline,
  counter: Counter,
): Promise<void> {
  if (histograms === null && calibration === null) return;
  const model = { name, version };
  const columns = Object.entries(histograms ?? {}).map(([column, { edges }]) => ({
    column,
    subject: formatInputSubject(model, column),
    binCount: edges === undefined ? listGrades(column).length : edges.length + 1,
    findBin: (value: unknown) => {
      if (edges === undefined) return findGradeIndex(column, value);
      return typeof value === "number" ? findBin(edges, value) : -1;
    },
  }));
  for (const route of PREDICTION_ROUTES) {
    const perSlice = route === BATCH_ROUTE ? DRIFT_SAMPLE.batchesPerSlice : DRIFT_SAMPLE.predictionsPerSlice;
    const rows = await run.budget.call(() => samplePredictions(run.LOG_DB, hour, { route, model }, perSlice));
    const countStone = (stone: PricedInput) => {
      for (const { column, subject, binCount, findBin } of columns) {
        const bin = findBin(stone[column as keyof PricedInput]);
        // A value that the caller left out is not counted: the model completes it, so it cannot drift.
        if (bin >= 0) counter.add("input", subject, binCount, bin, 1);
      }
      const errors = calibration && computeErrors(calibration, stone);
      if (errors) counter.addAll("expected", formatVersion(model), [1, errors.absolute, errors.relative]);
    };
    for (const row of rows)
      if (row.bodies === null) readPricedStones(route, row, row.price).forEach(countStone);
    const inBucket = rows.filter(({ bodies }) => bodies !== null);
    await countStoredStones(run, route, inBucket, countStone);
  }
}

/**
 * Counts the stones of predictions whose bodies are in the bucket, a few predictions at a time, because bodies can
 * have megabytes. The others are left out if the bucket does not answer.
 */
async function countStoredStones(
  run: Run,
  route: string,
  rows: readonly PredictionRow[],
  countStone: (stone: PricedInput) => void,
): Promise<void> {
  for (let i = 0; i < rows.length; i += BODIES_READ_AT_ONCE) {
    const some = rows.slice(i, i + BODIES_READ_AT_ONCE);
    const read = await Promise.all(some.map((row) => readStoredStones(run, route, row)));
    for (const stones of read) stones?.forEach(countStone);
    if (read.includes(null)) return;
  }
}

/** The errors that a calibration promises for a stone: US dollars, and relative to the real price. */
function computeErrors(calibration: Calibration, { carat, x, y, price }: PricedInput) {
  if (typeof carat !== "number" || typeof price !== "number") return null;
  // A body has null for a measurement that was left out.
  const stone = { carat, x: x ?? undefined, y: y ?? undefined };
  const { absolute, relative } = computeExpectedErrors(findDistribution(calibration, stone));
  return { absolute: absolute * price, relative };
}

/** The stones of a prediction whose bodies are in the bucket; none if they are damaged, null without an answer. */
async function readStoredStones(
  { MODELS, budget }: Run,
  route: string,
  row: PredictionRow,
): Promise<PricedInput[] | null> {
  try {
    const bodies = await budget.call(() => withTimeout(BODIES_READ_TIMEOUT_MS, readBodies(MODELS, row)));
    return readPricedStones(route, bodies, row.price);
  } catch (error) {
    return error instanceof TimeoutError ? null : [];
  }
}

/** The subject under which the values of a column are counted, such as `log-linear@3 carat`. */
export const formatInputSubject = (model: ModelReference, column: string): string =>
  `${formatVersion(model)} ${column}`;

/** The index of a grade as the caller spelled it; -1 if it is none. */
function findGradeIndex(column: string, value: unknown): number {
  const grades = listGrades(column);
  if (typeof value !== "string" || grades.length === 0) return -1;
  return grades.indexOf(findGrade(column as GradeColumn, value) ?? "");
}

/** The grades of a column, which are its bins; none for a column of numbers. */
export function listGrades(column: string): readonly string[] {
  return (GRADES as Record<string, readonly string[]>)[column] ?? [];
}
