export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The day of a time, counted from 1970, in UTC. */
export const toDay = (at: number): number => Math.floor(at / DAY_MS);

/**
 * Milliseconds since a time. If the clock was set back since then, the age is infinite: a cached value then
 * counts as expired instead of fresh until the clock catches up.
 */
export function ageMs(since: number): number {
  const ms = Date.now() - since;
  return ms >= 0 ? ms : Number.POSITIVE_INFINITY;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
