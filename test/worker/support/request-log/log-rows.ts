/** Creates log records and reads the log. */
import { env } from "cloudflare:workers";
import {
  completeRecord,
  insertRequests,
  type RequestRecord,
} from "../../../../src/db/request-log/requests.ts";
import { DEAD_LETTER_PREFIX } from "../../../../src/request-log/write/dead-letters.ts";

/** Creates a UUIDv7 for a time in ms since 1970. */
export function createIdAt(at: number, random: () => number): string {
  const hex = (length: number) =>
    Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
  const time = Math.floor(at).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(12)}`;
}

/** Creates the record of a health check that took 1 ms, with some fields changed. */
export function createRecord(
  at: number,
  random: () => number,
  changes: Partial<RequestRecord> = {},
): RequestRecord {
  return completeRecord({
    id: createIdAt(at, random),
    at,
    method: "GET",
    path: "/health",
    route: "/health",
    status: 200,
    durationMs: 1,
    ...changes,
  });
}

/** Creates records of requests that arrive now. */
export function createNewRecords(
  count: number,
  random: () => number,
  changes?: Partial<RequestRecord>,
): RequestRecord[] {
  return Array.from({ length: count }, () => createRecord(Date.now(), random, changes));
}

export async function insertRecords(records: readonly RequestRecord[]): Promise<void> {
  for (let i = 0; i < records.length; i += 2000) await insertRequests(env.LOG_DB, records.slice(i, i + 2000));
}

/** The sorted ids of all rows of the log. */
export async function readLogIds(): Promise<string[]> {
  const { results } = await env.LOG_DB.prepare("SELECT id FROM requests ORDER BY id").all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** The sorted ids of the dead-letter records in the bucket. */
export async function readDeadLetterIds(prefix = DEAD_LETTER_PREFIX): Promise<string[]> {
  const { objects } = await env.MODELS.list({ prefix });
  return objects.map(({ key }) => key.slice(prefix.length, -".json".length));
}

export const sortIds = (records: readonly RequestRecord[]) => records.map(({ id }) => id).sort();
