import {
  type CountedHour,
  countTraffic,
  listOpenHours,
  type Rollup,
  readPredictions,
  replaceHour,
} from "../db/rollups.ts";
import { listYardsticks, type Yardstick } from "../db/yardsticks.ts";
import { GRADES } from "../domain/diamond.ts";
import { binOf } from "../domain/drift.ts";
import { LATENCY_EDGES } from "../domain/latency.ts";
import type { ModelReference } from "../domain/model-record.ts";
import { formatVersion } from "../domain/selector.ts";
import { readBodies } from "./bodies.ts";
import { BATCH_ROUTE, PREDICTION_ROUTES, type PricedInput, stonesOf } from "./predicted.ts";

/** Hours of one run. More wait for the next: a run has limited time. */
const MOST_HOURS = 24;
/** Rows that are read at once: those of batches can be large. */
const PAGE = { single: 1000, batch: 20 };

/**
 * Counts the requests of each hour that is not complete yet, from the log: whatever was counted of it
 * before is replaced, so that a run may come late, be cut off, or run twice. Returns the hours counted.
 */
export async function rollUp(env: Pick<Env, "DB" | "LOG_DB" | "MODELS">, now = Date.now()): Promise<number> {
  const hours = await listOpenHours(env.LOG_DB, now, MOST_HOURS);
  for (const hour of hours) await countHour(env, hour, now);
  return hours.length;
}

type Counts = Map<string, Rollup>;

async function countHour(
  env: Pick<Env, "DB" | "LOG_DB" | "MODELS">,
  hour: CountedHour,
  now: number,
): Promise<void> {
  const counts: Counts = new Map();
  const versions = new Map<string, ModelReference>();
  for (const { route, class: status, model, version, bin, requests } of await countTraffic(
    env.LOG_DB,
    hour.hour,
  )) {
    add(counts, "latency", `${route ?? ""} ${status}xx`, LATENCY_EDGES.length + 1, bin, requests);
    if (model === null || version === null) continue;
    const reference = { name: model, version };
    versions.set(formatVersion(reference), reference);
    add(counts, "model", formatVersion(reference), 1, 0, requests);
  }
  for (const yardstick of await listYardsticks(env.DB, [...versions.values()]))
    await countInputs(env, hour.hour, yardstick, counts);
  await replaceHour(env.LOG_DB, hour, [...counts.values()], now);
}

/** Counts the values of each column, and the prices, in the bins of the model's training rows. */
async function countInputs(
  { LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">,
  hour: number,
  { name, version, histograms }: Yardstick,
  counts: Counts,
): Promise<void> {
  if (histograms === null) return;
  const columns = Object.entries(histograms).map(([column, { edges }]) => ({
    column,
    subject: inputSubject({ name, version }, column),
    bins: edges === undefined ? gradesOf(column).length : edges.length + 1,
    bin: (value: unknown) => {
      if (edges === undefined) return gradesOf(column).indexOf(value as string);
      return typeof value === "number" ? binOf(edges, value) : -1;
    },
  }));
  for (const route of PREDICTION_ROUTES) {
    const page = route === BATCH_ROUTE ? PAGE.batch : PAGE.single;
    for await (const row of readPredictions(LOG_DB, hour, { route, model: name, version }, page)) {
      for (const stone of stonesOf(route, await readBodies(MODELS, row), row.price)) {
        for (const { column, subject, bins, bin } of columns) {
          const place = bin(stone[column as keyof PricedInput]);
          // What was left out is not counted: the model completes it, and that is no drift.
          if (place >= 0) add(counts, "input", subject, bins, place, 1);
        }
      }
    }
  }
}

export const inputSubject = (model: ModelReference, column: string): string =>
  `${formatVersion(model)} ${column}`;

/** The grades of a column, which are its bins; none for other columns. */
export function gradesOf(column: string): readonly string[] {
  return (GRADES as Record<string, readonly string[]>)[column] ?? [];
}

function add(
  counts: Counts,
  kind: Rollup["kind"],
  subject: string,
  bins: number,
  bin: number,
  count: number,
): void {
  const key = `${kind} ${subject}`;
  const rollup = counts.get(key) ?? { kind, subject, counts: Array<number>(bins).fill(0) };
  counts.set(key, rollup);
  rollup.counts[bin]! += count;
}
