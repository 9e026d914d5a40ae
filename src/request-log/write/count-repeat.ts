import type { RequestRecord } from "../../db/request-log/requests.ts";
import { evictOldest } from "../../lib/stale-cache.ts";
import { MINUTE_MS } from "../../lib/time.ts";

/** The oldest row gets no more repeats if there are more. */
const MAX_SHARED_ROWS = 1_000;

interface SharedRow {
  /** The record of the first request. */
  readonly first: RequestRecord;
  repeats: number;
}

/** The rows that repeated requests share, by caller and answer. Only this memory knows the caller's address. */
const sharedRows = new Map<string, SharedRow>();

/**
 * Counts a request in the row of the first request of the same caller that was answered the same within a minute.
 * Returns the row to write: that of the first request with the number of its repeats so far, or the record itself
 * if it is the first. It does not matter in which order the rows of one id are written, because the highest number
 * counts.
 * @param repeatKey the `repeatKey` of the request's context
 */
export function countRepeat(repeatKey: string, record: RequestRecord): RequestRecord {
  const { at, method, route, status } = record;
  // Requests that monitoring counts apart share no row.
  const key = JSON.stringify([repeatKey, route, status, method === "OPTIONS"]);
  const shared = sharedRows.get(key);
  // The answers of simultaneous requests can have another order than their arrivals.
  if (shared === undefined || Math.abs(at - shared.first.at) >= MINUTE_MS) {
    sharedRows.delete(key);
    sharedRows.set(key, { first: record, repeats: 0 });
    evictOldest(sharedRows, MAX_SHARED_ROWS);
    return record;
  }
  shared.repeats++;
  return { ...shared.first, repeats: shared.repeats };
}
