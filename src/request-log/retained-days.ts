/** Which days of the log stay in its table. Days are counted from 1970, in UTC. */
import { getIdTime } from "../domain/request-id.ts";
import { DAY_MS } from "../lib/time.ts";

type Bindings = Pick<Env, "LOG_RETENTION_DAYS">;

export const toDay = (at: number): number => Math.floor(at / DAY_MS);

/** The day of a request by its id, which is what the archive sorts by; null if the id holds no time. */
export function getIdDay(id: string): number | null {
  const at = getIdTime(id);
  return at === null ? null : toDay(at);
}

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
