/** Request ids are UUIDv7: the first 48 bits are the time of the request, so ids sort by time. */
import { toDay } from "../lib/time.ts";

/** Creates the id of a request that arrived at `at`, milliseconds since 1970. */
export function createRequestId(at: number): string {
  // The runtime makes a random UUIDv4, in which the time and the version are replaced.
  return `${firstIdAt(at)}-7${crypto.randomUUID().slice(15)}`;
}

/** A lower bound for ids: it sorts before all ids of this millisecond or later, and after all earlier ids. */
export function firstIdAt(at: number): string {
  const hex = Math.min(Math.max(Math.floor(at), 0), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** A request of the last minute may still be on its way to the log. */
const MAX_WRITE_DELAY_MS = 60_000;

/** Whether the request with this id is so new that it can appear in the log within a moment. */
export function isRecentId(id: string, now: number): boolean {
  const at = getIdTime(id);
  return at !== null && Math.abs(now - at) < MAX_WRITE_DELAY_MS;
}

/** The time in a request id, milliseconds since 1970; null if the text is not a UUIDv7. */
export function getIdTime(id: string): number | null {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)) return null;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The day of a request by its id, which is what the archive sorts by; null if the id holds no time. */
export function getIdDay(id: string): number | null {
  const at = getIdTime(id);
  return at === null ? null : toDay(at);
}
