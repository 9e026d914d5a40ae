import { describeError } from "./db/errors.ts";
import { rollUp } from "./monitoring/rollup.ts";
import { archiveOldDays } from "./request-log/archive/archive.ts";
import { deleteExpiredErasedIds } from "./request-log/erase.ts";
import { drainDeadLetters } from "./request-log/write/dead-letters.ts";

/** The cron triggers of wrangler.toml. */
export const EACH_MINUTE = "* * * * *";
export const EVERY_FIVE_MINUTES = "*/5 * * * *";

interface Job {
  /** What is said of it, with how much there was to do. */
  readonly message: string;
  readonly cron: typeof EACH_MINUTE | typeof EVERY_FIVE_MINUTES;
  readonly work: (env: Env) => Promise<number>;
}

/**
 * What is done for the log again and again, in this order. The jobs of one trigger share the 1,000 calls of
 * a run: draining has a trigger of its own, so that it can use them all.
 */
const JOBS: readonly Job[] = [
  { message: "dead letters drained", cron: EACH_MINUTE, work: drainDeadLetters },
  { message: "hours counted", cron: EVERY_FIVE_MINUTES, work: (env) => rollUp(env) },
  { message: "rows archived", cron: EVERY_FIVE_MINUTES, work: (env) => archiveOldDays(env) },
  { message: "forgotten ids released", cron: EVERY_FIVE_MINUTES, work: (env) => deleteExpiredErasedIds(env) },
];

/**
 * Does the jobs of a trigger; all of them where it is another. Where one fails the others are done all the
 * same, and then the run fails.
 */
export async function runScheduledJobs(env: Env, trigger: string): Promise<void> {
  const known = JOBS.some(({ cron }) => cron === trigger);
  const failures: unknown[] = [];
  for (const { message, work } of JOBS.filter(({ cron }) => !known || cron === trigger)) {
    try {
      const count = await work(env);
      if (count > 0) console.log(JSON.stringify({ message, count }));
    } catch (error) {
      console.error(JSON.stringify({ message, error: describeError(error) }));
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, "the upkeep of the log failed in part");
}
