/**
 * Milliseconds since a time; endless where the clock was set back since, so that nothing is trusted until it
 * has caught up.
 */
export function ageMs(since: number): number {
  const ms = Date.now() - since;
  return ms >= 0 ? ms : Number.POSITIVE_INFINITY;
}
