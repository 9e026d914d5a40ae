/** Rows for the log as many requests would leave them, and what is in the log. */
import { env } from "cloudflare:workers";
import { insertRequests, type RequestRecord } from "../../../src/db/request-log/requests.ts";
import { DEAD_LETTER_PREFIX } from "../../../src/request-log/write/dead-letters.ts";

/** Numbers from 0 to 1 that depend on the seed alone (Mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A UUIDv7 of a time. */
export function idAt(at: number, random: () => number): string {
  const hex = (length: number) =>
    Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
  const time = Math.floor(at).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(12)}`;
}

/** A row of the log: a health check that took a millisecond, but for what is given. */
export function row(at: number, random: () => number, changes: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: idAt(at, random),
    at,
    method: "GET",
    path: "/health",
    route: "/health",
    query: null,
    status: 200,
    durationMs: 1,
    requestBody: null,
    responseBody: null,
    bodies: null,
    model: null,
    modelVersion: null,
    price: null,
    shadowModel: null,
    shadowVersion: null,
    shadowPrice: null,
    caller: null,
    userAgent: null,
    country: null,
    colo: null,
    problem: null,
    ...changes,
  };
}

export async function insert(records: readonly RequestRecord[]): Promise<void> {
  for (let i = 0; i < records.length; i += 2000) await insertRequests(env.LOG_DB, records.slice(i, i + 2000));
}

/** The ids of all rows of the log, in order. */
export async function ids(): Promise<string[]> {
  const { results } = await env.LOG_DB.prepare("SELECT id FROM requests ORDER BY id").all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** The ids of the records that lie in the bucket, in order. */
export async function letters(prefix = DEAD_LETTER_PREFIX): Promise<string[]> {
  const { objects } = await env.MODELS.list({ prefix });
  return objects.map(({ key }) => key.slice(prefix.length, -".json".length));
}

export const sorted = (records: readonly RequestRecord[]) => records.map(({ id }) => id).sort();
