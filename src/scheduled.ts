import { describeError } from "./db/errors.ts";
import { repairRegistryCopy } from "./db/registry-copy/write.ts";
import { withTimeout } from "./lib/timeout.ts";
import { rollUp } from "./monitoring/rollup.ts";
import { archiveOldDays } from "./request-log/archive/archive.ts";
import { continueErasures, deleteExpiredErasedIds } from "./request-log/erase.ts";
import { drainDeadLetters } from "./request-log/write/drain-dead-letters.ts";
import { JOB_BUDGETS, type JobName, REGISTRY_COPY_TIMEOUT_MS } from "./settings/call-budgets.ts";

/** Each job returns how many rows, hours, ids, copies or erasures it processed. */
const JOBS: Record<JobName, (env: Env) => Promise<number>> = {
  repairRegistryCopy: async (env) =>
    Number(await withTimeout(REGISTRY_COPY_TIMEOUT_MS, repairRegistryCopy(env))),
  drainDeadLetters,
  rollUp: (env) => rollUp(env),
  archiveOldDays: (env) => archiveOldDays(env),
  deleteExpiredErasedIds: (env) => deleteExpiredErasedIds(env),
  continueErasures: (env) => continueErasures(env),
};

/**
 * Runs the jobs of a cron trigger one after the other, or all jobs if the trigger is unknown, as in a manual
 * run. A job that fails does not stop the others.
 * @throws AggregateError after the last job, if some jobs failed.
 */
export async function runScheduledJobs(env: Env, trigger: string): Promise<void> {
  const names = Object.keys(JOB_BUDGETS) as JobName[];
  const scheduled = names.filter((job) => JOB_BUDGETS[job].cron === trigger);
  const failures: unknown[] = [];
  for (const job of scheduled.length > 0 ? scheduled : names) {
    try {
      const count = await JOBS[job](env);
      if (count > 0) console.log(JSON.stringify({ message: "scheduled job finished", job, count }));
    } catch (error) {
      console.error(JSON.stringify({ message: "scheduled job failed", job, error: describeError(error) }));
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} scheduled jobs failed`);
}
