/** Which days of the log stay in its table. Days are counted from 1970, in UTC. */
import { getIdDay } from "../domain/request-id.ts";
import { toDay } from "../lib/time.ts";

type Bindings = Pick<Env, "LOG_RETENTION_DAYS">;

/** The first day that stays in the table. */
export function getFirstRetainedDay({ LOG_RETENTION_DAYS }: Bindings, now: number): number {
  const days = Number(LOG_RETENTION_DAYS);
  if (!Number.isInteger(days) || days < 1)
    throw new Error(`LOG_RETENTION_DAYS must be a whole number from 1, not "${LOG_RETENTION_DAYS}"`);
  return toDay(now) - days;
}

/** Whether a request is so old that it is in the archive, or is about to be moved there. */
export function isArchivable(env: Bindings, id: string, now: number): boolean {
  const day = getIdDay(id);
  return day !== null && day < getFirstRetainedDay(env, now);
}
