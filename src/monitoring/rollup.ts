import { listBaselines } from "../db/registry/baselines.ts";
import { countOutcomes } from "../db/request-log/outcomes.ts";
import { type DirtyHour, HOUR_MS, listDirtyHours } from "../db/request-log/rollup-hours.ts";
import { countTraffic, replaceHourCounts, type TrafficCount } from "../db/request-log/rollups.ts";
import { LATENCY_EDGES } from "../domain/latency.ts";
import type { ModelReference } from "../domain/model-record.ts";
import { formatVersion } from "../domain/model-selector.ts";
import { CallBudget } from "../lib/call-budget.ts";
import { firstRetainedDay } from "../request-log/archive/archive.ts";
import { DAY_MS } from "../request-log/archive/chunk.ts";
import { countInputs, MOST_CALLS } from "./count-inputs.ts";
import { Counter } from "./counter.ts";

/** A run: the archive's has the other calls, see src/log/upkeep.ts. What it leaves is for the next. */
const RUN = { calls: 500, ms: 60_000 };
const MOST_HOURS = 24;
/** Whose inputs are counted: those versions that answered most in the hour. */
const MOST_VERSIONS = 8;
/** What an hour takes at most: its outcomes, its traffic, the yardsticks, the counts, and the inputs. */
const CALLS_OF_HOUR = 6 + MOST_VERSIONS * MOST_CALLS;

type Bindings = Pick<Env, "DB" | "LOG_DB" | "MODELS" | "LOG_RETENTION_DAYS">;

interface Run extends Bindings {
  readonly allowance: CallBudget;
  /** The first hour of which no request has moved to the archive. */
  readonly kept: number;
  readonly now: number;
}

/**
 * Counts each hour that is not complete yet, or that something came into, from the log: whatever was counted
 * of it before is replaced, so that a run may come late, be cut off, or run twice. Returns the hours counted.
 * @throws at the end, where some could not be counted.
 */
export async function rollUp(env: Bindings, now = Date.now()): Promise<number> {
  const allowance = new CallBudget(RUN);
  const kept = (firstRetainedDay(env, now) * DAY_MS) / HOUR_MS;
  const hours = await allowance.call(() => listDirtyHours(env.LOG_DB, now, MOST_HOURS), 2);
  const failures: unknown[] = [];
  let counted = 0;
  for (const hour of hours) {
    if (allowance.remaining < CALLS_OF_HOUR) break;
    try {
      await countHour({ ...env, allowance, kept, now }, hour);
      counted++;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return counted;
  const message = `${failures.length} hours could not be counted, and ${counted} were`;
  throw new AggregateError(failures, message, { cause: failures[0] });
}

async function countHour(run: Run, hour: DirtyHour): Promise<void> {
  const { LOG_DB, allowance, now } = run;
  const tally = new Counter();
  await countSales(run, hour.hour, tally);
  // Of an hour that was counted, and whose requests are in the archive, the outcomes alone can be counted again.
  const archived = hour.hour < run.kept && hour.countedAt !== 0;
  if (!archived) await countRequests(run, hour.hour, tally);
  const kind = archived ? "outcome" : undefined;
  await allowance.call(() => replaceHourCounts(LOG_DB, hour, tally.rollups, { countedAt: now, kind }), 3);
}

async function countSales({ LOG_DB, allowance }: Run, hour: number, tally: Counter): Promise<void> {
  const [from, before] = [hour * HOUR_MS, (hour + 1) * HOUR_MS];
  const sales = await allowance.call(() => countOutcomes(LOG_DB, from, before));
  for (const { model, version, stones, error, share } of sales) {
    const subject = formatVersion({ name: model, version });
    for (const [place, sum] of [stones, error, share].entries()) tally.add("outcome", subject, 3, place, sum);
  }
}

async function countRequests(run: Run, hour: number, tally: Counter): Promise<void> {
  const { DB, LOG_DB, allowance } = run;
  const traffic = await allowance.call(() => countTraffic(LOG_DB, hour));
  for (const { route, status, bin, requests } of traffic)
    tally.add("latency", `${route ?? ""} ${status}`, LATENCY_EDGES.length + 1, bin, requests);
  const versions = versionsOf(traffic);
  for (const { model, requests } of versions) tally.add("model", formatVersion(model), 1, 0, requests);
  const busiest = versions.slice(0, MOST_VERSIONS).map(({ model }) => model);
  if (busiest.length === 0) return;
  for (const yardstick of await allowance.call(() => listBaselines(DB, busiest)))
    await countInputs(run, hour, yardstick, tally);
}

/** The model versions that answered, the busiest first. */
function versionsOf(traffic: readonly TrafficCount[]): { model: ModelReference; requests: number }[] {
  const versions = new Map<string, { model: ModelReference; requests: number }>();
  for (const { model: name, version, requests } of traffic) {
    if (name === null || version === null) continue;
    const model = { name, version };
    const before = versions.get(formatVersion(model))?.requests ?? 0;
    versions.set(formatVersion(model), { model, requests: before + requests });
  }
  return [...versions.values()].sort((a, b) => b.requests - a.requests);
}
