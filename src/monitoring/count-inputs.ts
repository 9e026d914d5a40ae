import type { Baseline } from "../db/registry/baselines.ts";
import { type PredictionRow, samplePredictions } from "../db/request-log/samples.ts";
import { GRADES } from "../domain/diamond.ts";
import { findBin } from "../domain/drift.ts";
import type { ModelReference } from "../domain/model-record.ts";
import { formatVersion } from "../domain/model-selector.ts";
import { SAMPLE } from "../domain/monitoring.ts";
import type { CallBudget } from "../lib/call-budget.ts";
import { withTimeout } from "../lib/single-flight.ts";
import { readBodies } from "../request-log/bodies.ts";
import {
  BATCH_ROUTE,
  PREDICTION_ROUTES,
  type PricedInput,
  readPricedStones,
} from "../request-log/read/predictions.ts";
import type { Counter } from "./counter.ts";

/** What a version takes at most: a statement for each route, and the bodies of batches from the bucket. */
export const MOST_CALLS = PREDICTION_ROUTES.length + SAMPLE.parts * SAMPLE.batches;
/** How long bodies in the bucket are waited for: the others are a sample as well. */
const BODIES_MS = 5_000;

interface Run extends Pick<Env, "LOG_DB" | "MODELS"> {
  readonly allowance: CallBudget;
}

/**
 * Counts the values of each column, and the prices, in the bins of the model's training rows: of a sample of
 * the hour's predictions, because drift is a matter of shares, and an hour can have a million of them.
 */
export async function countInputs(
  run: Run,
  hour: number,
  { name, version, histograms }: Baseline,
  tally: Counter,
): Promise<void> {
  if (histograms === null) return;
  const columns = Object.entries(histograms).map(([column, { edges }]) => ({
    column,
    subject: inputSubject({ name, version }, column),
    bins: edges === undefined ? gradesOf(column).length : edges.length + 1,
    bin: (value: unknown) => {
      if (edges === undefined) return gradesOf(column).indexOf(value as string);
      return typeof value === "number" ? findBin(edges, value) : -1;
    },
  }));
  for (const route of PREDICTION_ROUTES) {
    const perPart = route === BATCH_ROUTE ? SAMPLE.batches : SAMPLE.singles;
    const answered = { route, model: name, version };
    const rows = await run.allowance.call(() => samplePredictions(run.LOG_DB, hour, answered, perPart));
    for (const stone of (await Promise.all(rows.map((row) => readStones(run, route, row)))).flat()) {
      for (const { column, subject, bins, bin } of columns) {
        const place = bin(stone[column as keyof PricedInput]);
        // What was left out is not counted: the model completes it, and that is no drift.
        if (place >= 0) tally.add("input", subject, bins, place, 1);
      }
    }
  }
}

/** The stones of a prediction; none where their bodies cannot be read. */
async function readStones(
  { MODELS, allowance }: Run,
  route: string,
  row: PredictionRow,
): Promise<PricedInput[]> {
  if (row.bodies === null) return readPricedStones(route, row, row.price);
  try {
    const bodies = await allowance.call(() => withTimeout(BODIES_MS, readBodies(MODELS, row)));
    return readPricedStones(route, bodies, row.price);
  } catch {
    return [];
  }
}

export const inputSubject = (model: ModelReference, column: string): string =>
  `${formatVersion(model)} ${column}`;

/** The grades of a column, which are its bins; none for other columns. */
export function gradesOf(column: string): readonly string[] {
  return (GRADES as Record<string, readonly string[]>)[column] ?? [];
}
