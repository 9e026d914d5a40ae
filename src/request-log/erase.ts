import { describeError } from "../db/errors.ts";
import { deleteErasedIds, listErasedIdsBefore, recordErasedIds } from "../db/request-log/erased-requests.ts";
import { endErasure, listErasures, postponeErasure, startErasure } from "../db/request-log/erasures.ts";
import {
  countOutcomesOf,
  deleteOutcomes,
  deleteReportedOutcome,
  listOutcomeRequests,
} from "../db/request-log/outcomes.ts";
import { deleteRequests } from "../db/request-log/requests.ts";
import { getIdDay, getIdTime } from "../domain/request-id.ts";
import { CallBudget } from "../lib/call-budget.ts";
import { DAY_MS } from "../lib/time.ts";
import {
  ERASE_DAYS_PER_STEP,
  ERASE_JOB_BUDGET,
  ERASE_LEASE_MS,
  ERASE_PAGE,
  ERASE_REQUEST_BUDGET,
  ERASE_STEP_CALLS,
  MAX_ERASED_IDS_PER_RUN,
  MAX_ERASURES_PER_RUN,
  MAX_OBJECTS_PER_DELETE,
} from "../settings/call-budgets.ts";
import { ERASED_ID_RETENTION_DAYS } from "../settings/retention.ts";
import { type ArchiveBudget, eraseFromDay } from "./archive/erase-archived.ts";
import { withArchiveLease } from "./archive/lease.ts";
import { toBodiesKey } from "./bodies.ts";
import { withBucketErrors } from "./bucket-errors.ts";
import { toQuarantineKey } from "./quarantine.ts";
import { isArchivable } from "./retained-days.ts";
import { toDeadLetterKey } from "./write/dead-letters.ts";

/** The parts of a request that existed and were erased. */
export interface ErasedParts {
  readonly row: boolean;
  /** Its bodies in the bucket. */
  readonly bodies: boolean;
  /** Its dead-letter record or its record in quarantine. */
  readonly deadLetter: boolean;
  readonly archived: boolean;
  readonly outcomes: number;
}

interface Erasure {
  /** What this call erased. */
  readonly erased: ErasedParts;
  /** The requests that are still to be erased: those that reported outcomes, and the request itself. */
  readonly remaining: number;
  readonly errors: readonly unknown[];
}

interface Run {
  readonly env: Env;
  readonly now: number;
  readonly budget: CallBudget;
  readonly archive: ArchiveBudget;
}

interface Limits {
  readonly calls: number;
  readonly ms: number;
  readonly archivedRows: number;
}

function createRun(env: Env, now: number, { calls, ms, archivedRows }: Limits): Run {
  const budget = new CallBudget({ calls, ms });
  return { env, now, budget, archive: { calls: budget, rows: archivedRows } };
}

/**
 * Deletes everything that is stored about a request: also the outcomes of its stones, the outcome requests
 * that reported them, and the outcome that the request itself reported. If its record is still on the way to
 * the log, it will not be written. Hourly counts of requests do not change.
 *
 * The erasure is recorded first, and {@link continueErasures} continues it if this call cannot complete it:
 * because of its limits, because it was stopped, or because the archive is being written. From then on no
 * endpoint returns the request. `isNew` is false if an earlier call began the erasure.
 * @throws ServiceUnavailable if the bucket fails. The erasure continues nevertheless.
 */
export async function eraseRequest(
  env: Env,
  id: string,
  now = Date.now(),
  limits: Limits = ERASE_REQUEST_BUDGET,
): Promise<Omit<Erasure, "errors"> & { readonly isNew: boolean }> {
  const run = createRun(env, now, limits);
  const isNew = await run.budget.call(() => startErasure(env.LOG_DB, id, now));
  const { erased, remaining, errors } = await runErasure(run, id);
  const [error] = errors;
  if (error !== undefined) await withBucketErrors(() => Promise.reject(error));
  return { erased, remaining, isNew };
}

/**
 * Continues the erasures that are not complete. Returns how many it completed. An erasure that fails does not
 * stop the others, and is tried again in the next run.
 * @throws AggregateError after the last erasure, if some failed.
 */
export async function continueErasures(
  env: Env,
  now = Date.now(),
  limits: Limits = ERASE_JOB_BUDGET,
): Promise<number> {
  const run = createRun(env, now, limits);
  const failures: string[] = [];
  const causes: unknown[] = [];
  let completed = 0;
  for (const id of await run.budget.call(() => listErasures(env.LOG_DB, MAX_ERASURES_PER_RUN))) {
    if (run.budget.remaining < ERASE_STEP_CALLS.start) break;
    try {
      await run.budget.call(() => postponeErasure(env.LOG_DB, id, now));
      const { remaining, errors } = await runErasure(run, id);
      if (remaining === 0) completed++;
      if (errors.length > 0) throw errors[0];
    } catch (error) {
      failures.push(`the erasure of ${id} cannot continue: ${describeError(error)}`);
      causes.push(error);
    }
  }
  if (causes.length > 0) throw new AggregateError(causes, failures.join("; "));
  return completed;
}

/** Erases a request, or continues its erasure, as far as the budget allows. */
async function runErasure(run: Run, id: string): Promise<Erasure> {
  const { env, budget } = run;
  const parts = await eraseStoredParts(run, id);
  const reported = await budget.call(() => deleteReportedOutcome(env.LOG_DB, id), 2);
  // The archive job may begin to move a request while this run works, so the end of the run decides.
  const isOld = (requestId: string) => isArchivable(env, requestId, run.now + ERASE_LEASE_MS);
  const pages = await eraseOutcomeRequests(run, id, isOld);
  const oldIds = isOld(id) ? [id, ...pages.oldIds] : pages.oldIds;
  const archive = await eraseOldRequests(run, id, oldIds);
  const isDone = pages.isDone && archive.isDone;
  const outcomes = isDone
    ? await budget.call(() => endErasure(env.LOG_DB, id), 2)
    : await budget.call(() => countOutcomesOf(env.LOG_DB, id));
  return {
    erased: {
      ...parts,
      archived: archive.hadRequest,
      outcomes: reported + pages.outcomes + archive.outcomes,
    },
    remaining: isDone && outcomes === 0 ? 0 : outcomes + 1,
    errors: archive.errors,
  };
}

/** Deletes the row and the objects of a request, and finds out which of them it had. */
async function eraseStoredParts(run: Run, id: string) {
  const { budget } = run;
  const { LOG_DB, MODELS } = run.env;
  // Only ids that hold a time can be on their way to the log.
  if (getIdTime(id) !== null) await budget.call(() => recordErasedIds(LOG_DB, [id], run.now));
  // The row first, so that the request cannot be read even if the bucket fails.
  const row = (await budget.call(() => deleteRequests(LOG_DB, [id]))) > 0;
  const keys = await listObjectKeys(id);
  const exists = (key: string) =>
    withBucketErrors(async () => (await budget.call(() => MODELS.head(key))) !== null);
  const [bodies, deadLetter, quarantine] = await Promise.all(
    [keys.bodies, keys.deadLetter, keys.quarantine].map(exists),
  );
  await deleteObjects(run, Object.values(keys));
  return { row, bodies: bodies === true, deadLetter: deadLetter === true || quarantine === true };
}

/**
 * Erases the outcome requests of a prediction from the tables and the bucket, page by page. The outcomes of
 * requests that can be in the archive stay until they are erased there. Returns these requests.
 */
async function eraseOutcomeRequests(run: Run, prediction: string, isOld: (id: string) => boolean) {
  const { budget, now } = run;
  const { LOG_DB } = run.env;
  const oldIds: string[] = [];
  let [outcomes, after] = [0, ""];
  for (let page = 0; page < ERASE_PAGE.perRun; page++) {
    if (budget.remaining < ERASE_STEP_CALLS.page) break;
    const range = { after, limit: ERASE_PAGE.ids };
    const ids = await budget.call(() => listOutcomeRequests(LOG_DB, prediction, range));
    if (ids.length > 0) {
      await budget.call(() => recordErasedIds(LOG_DB, ids, now));
      const keys = await Promise.all(ids.map(listObjectKeys));
      await deleteObjects(
        run,
        keys.flatMap((requestKeys) => Object.values(requestKeys)),
      );
      await budget.call(() => deleteRequests(LOG_DB, ids));
      const { old = [], current = [] } = Object.groupBy(ids, (id) => (isOld(id) ? "old" : "current"));
      if (current.length > 0)
        outcomes += await budget.call(() => deleteOutcomes(LOG_DB, prediction, current), 2);
      oldIds.push(...old);
    }
    if (ids.length < ERASE_PAGE.ids) return { oldIds, outcomes, isDone: true };
    after = ids.at(-1) ?? after;
  }
  return { oldIds, outcomes, isDone: false };
}

/**
 * Erases requests from the archive, then the outcomes that they reported. Does nothing while the archive is
 * being written, because the archive job could be moving them.
 */
async function eraseOldRequests(run: Run, id: string, oldIds: readonly string[]) {
  const { budget, now } = run;
  const { LOG_DB, MODELS } = run.env;
  const errors: unknown[] = [];
  let [isDone, hadRequest, outcomes] = [true, false, 0];
  const days = [...Map.groupBy(oldIds, (oldId) => getIdDay(oldId) ?? 0)];
  const erase = async () => {
    for (let i = 0; i < days.length; i += ERASE_DAYS_PER_STEP) {
      const finished: string[] = [];
      for (const [day, ids] of days.slice(i, i + ERASE_DAYS_PER_STEP)) {
        const erased = await eraseFromDay(MODELS, day, ids, run.archive);
        hadRequest ||= erased.found.has(id);
        isDone &&= erased.unfinished.size === 0;
        errors.push(...erased.errors);
        finished.push(...ids.filter((oldId) => oldId !== id && !erased.unfinished.has(oldId)));
      }
      if (finished.length > 0) outcomes += await budget.call(() => deleteOutcomes(LOG_DB, id, finished), 2);
    }
    return true;
  };
  if (days.length > 0) {
    budget.count(2);
    isDone = (await withArchiveLease(LOG_DB, { now, ms: ERASE_LEASE_MS }, erase)) !== null && isDone;
  }
  return { isDone, hadRequest, outcomes, errors };
}

async function deleteObjects({ env, budget }: Run, keys: readonly string[]): Promise<void> {
  for (let i = 0; i < keys.length; i += MAX_OBJECTS_PER_DELETE) {
    const some = keys.slice(i, i + MAX_OBJECTS_PER_DELETE);
    await withBucketErrors(() => budget.call(() => env.MODELS.delete(some)));
  }
}

/** The objects in the bucket that belong to one request. */
async function listObjectKeys(id: string) {
  return { bodies: toBodiesKey(id), deadLetter: toDeadLetterKey(id), quarantine: await toQuarantineKey(id) };
}

/**
 * Deletes the ids of erased requests after {@link ERASED_ID_RETENTION_DAYS}, because no record of them can
 * arrive any more. Also deletes objects that were written after the erasure. Returns the number of ids.
 */
export async function deleteExpiredErasedIds(
  { LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">,
  now = Date.now(),
): Promise<number> {
  const expiredBefore = now - ERASED_ID_RETENTION_DAYS * DAY_MS;
  const ids = await listErasedIdsBefore(LOG_DB, expiredBefore, MAX_ERASED_IDS_PER_RUN);
  if (ids.length === 0) return 0;
  const keys = await Promise.all(ids.map(listObjectKeys));
  await MODELS.delete(keys.flatMap((requestKeys) => Object.values(requestKeys)));
  await deleteErasedIds(LOG_DB, ids);
  return ids.length;
}
