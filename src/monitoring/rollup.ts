import { listBaselines } from "../db/registry/baselines.ts";
import { countOutcomes } from "../db/request-log/outcomes.ts";
import { type DirtyHour, listDirtyHours } from "../db/request-log/rollup-hours.ts";
import { countTraffic, replaceHourCounts, type TrafficCount } from "../db/request-log/rollups.ts";
import { LATENCY_EDGES_MS } from "../domain/latency.ts";
import { formatVersion, type ModelReference } from "../domain/models/model-reference.ts";
import { CallBudget } from "../lib/call-budget.ts";
import { DAY_MS, HOUR_MS } from "../lib/time.ts";
import { getFirstRetainedDay } from "../request-log/retained-days.ts";
import { ROLLUP_BUDGET } from "../settings/call-budgets.ts";
import { countInputs, MAX_CALLS_PER_VERSION } from "./count-inputs.ts";
import { Counter } from "./counter.ts";

/** The next run counts the other hours. */
const MAX_HOURS_PER_RUN = 24;
/** Inputs are counted for this many versions: those that answered most often in the hour. */
const MAX_VERSIONS_PER_HOUR = 8;
/** Outcomes, traffic and baselines take a call each, and replacing the counts takes three. */
const MAX_CALLS_PER_HOUR = 6 + MAX_VERSIONS_PER_HOUR * MAX_CALLS_PER_VERSION;

/** The counts that outcomes are added to. */
const OUTCOME_KINDS = ["outcome", "coverage"] as const;

type Bindings = Pick<Env, "DB" | "LOG_DB" | "MODELS" | "LOG_RETENTION_DAYS">;

interface Run extends Bindings {
  readonly budget: CallBudget;
  /** The first hour whose requests are all in the table. */
  readonly firstRetainedHour: number;
  readonly now: number;
}

/**
 * Counts each dirty hour from the log and replaces its earlier counts. Therefore it does no harm if a run is
 * late, is stopped, or is repeated. Returns the number of counted hours.
 * @throws AggregateError after the last hour, if some hours could not be counted.
 */
export async function rollUp(env: Bindings, now = Date.now()): Promise<number> {
  const budget = new CallBudget(ROLLUP_BUDGET);
  const firstRetainedHour = (getFirstRetainedDay(env, now) * DAY_MS) / HOUR_MS;
  const hours = await budget.call(() => listDirtyHours(env.LOG_DB, now, MAX_HOURS_PER_RUN), 2);
  const failures: unknown[] = [];
  let counted = 0;
  for (const hour of hours) {
    if (budget.remaining < MAX_CALLS_PER_HOUR) break;
    try {
      await countHour({ ...env, budget, firstRetainedHour, now }, hour);
      counted++;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return counted;
  const message = `${failures.length} of ${failures.length + counted} hours could not be counted`;
  throw new AggregateError(failures, message, { cause: failures[0] });
}

async function countHour(run: Run, hour: DirtyHour): Promise<void> {
  const { LOG_DB, budget, firstRetainedHour, now } = run;
  const counter = new Counter();
  await addOutcomeCounts(run, hour.hour, counter);
  // The requests of an archived hour cannot be counted again. Its outcomes can, because they stay in the
  // table.
  const isArchived = hour.hour < firstRetainedHour && hour.countedAt !== 0;
  if (!isArchived) await addRequestCounts(run, hour.hour, counter);
  const kinds = isArchived ? OUTCOME_KINDS : undefined;
  await budget.call(() => replaceHourCounts(LOG_DB, hour, counter.rollups, { countedAt: now, kinds }), 3);
}

async function addOutcomeCounts({ LOG_DB, budget }: Run, hour: number, counter: Counter): Promise<void> {
  const [from, before] = [hour * HOUR_MS, (hour + 1) * HOUR_MS];
  const counts = await budget.call(() => countOutcomes(LOG_DB, from, before));
  for (const { model, version, ...count } of counts) {
    const subject = formatVersion({ name: model, version });
    counter.addAll("outcome", subject, [count.stones, count.absoluteErrorSum, count.relativeErrorSum]);
    counter.addAll("coverage", subject, [count.withRange, count.inRange, count.coverageSum]);
  }
}

async function addRequestCounts(run: Run, hour: number, counter: Counter): Promise<void> {
  const { DB, LOG_DB, budget } = run;
  const traffic = await budget.call(() => countTraffic(LOG_DB, hour));
  for (const { route, status, bin, requests } of traffic)
    counter.add("latency", `${route ?? ""} ${status}`, LATENCY_EDGES_MS.length + 1, bin, requests);
  const versions = sumByVersion(traffic);
  for (const { model, requests } of versions) counter.add("model", formatVersion(model), 1, 0, requests);
  const busiest = versions.slice(0, MAX_VERSIONS_PER_HOUR).map(({ model }) => model);
  if (busiest.length === 0) return;
  for (const baseline of await budget.call(() => listBaselines(DB, busiest)))
    await countInputs(run, hour, baseline, counter);
}

/** The requests that each model version answered, the busiest version first. */
function sumByVersion(traffic: readonly TrafficCount[]): { model: ModelReference; requests: number }[] {
  const versions = new Map<string, { model: ModelReference; requests: number }>();
  for (const { model: name, version, requests } of traffic) {
    if (name === null || version === null) continue;
    const model = { name, version };
    const sum = versions.get(formatVersion(model))?.requests ?? 0;
    versions.set(formatVersion(model), { model, requests: sum + requests });
  }
  return [...versions.values()].sort((a, b) => b.requests - a.requests);
}
