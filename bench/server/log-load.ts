/**
 * Checks that the log is complete under load: 20,000 requests over 50 connections, of which one in three is
 * invalid, on a local server with a scratch state.
 *
 *   npm run bench -- load
 *   npm run bench -- load --requests 3000
 */
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createRandom } from "../../test/support/random.ts";
import { findQuantile } from "../support/quantile.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { sendRequest } from "./http-client.ts";
import { prepareState, startServer } from "./local-server.ts";
import { createMixedRequest } from "./request-mix.ts";
import { readStoredLog, type StoredLog } from "./stored-log.ts";

const CONNECTIONS = 50;
const SEED = 1;
/** A batch of records is written within milliseconds, a retried one within seconds. */
const LOG_WRITE_WAIT_MS = 3_000;

const { values: options } = parseArgs({ options: { requests: { type: "string", default: "20000" } } });
const state = join(createScratchFolder(), "state");
await prepareState(state, { champion: true });
await checkLogUnderLoad(Number(options.requests));

interface LoadResult {
  /** Status by request id. */
  readonly responses: Map<string, number>;
  readonly durationsMs: number[];
  readonly failures: number;
  readonly seconds: number;
}

/** Sends requests over 50 connections and compares the ids of the responses with those in the log. */
async function checkLogUnderLoad(count: number): Promise<void> {
  const { url, stop } = await startServer(state, { vars: { ACCESS: "open", RATE_LIMITS: "off" } });
  const before = await readStoredLog(state);
  const result = await sendRequests(url, count);
  await sleep(LOG_WRITE_WAIT_MS);
  await stop();
  report(result, before, await readStoredLog(state));
}

async function sendRequests(url: string, count: number): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const random = createRandom(SEED);
  const responses = new Map<string, number>();
  const durationsMs: number[] = [];
  let sent = 0;
  let failures = 0;
  const startedAt = performance.now();
  const callers = Array.from({ length: CONNECTIONS }, async () => {
    while (sent < count) {
      try {
        const response = await sendRequest(agent, url, createMixedRequest(sent++, random));
        responses.set(String(response.headers["x-request-id"]), response.status);
        durationsMs.push(response.durationMs);
      } catch (error) {
        failures++;
        console.error(`no response: ${error}`);
      }
    }
  });
  await Promise.all(callers);
  const seconds = (performance.now() - startedAt) / 1000;
  agent.destroy();
  return { responses, durationsMs, failures, seconds };
}

function report(result: LoadResult, before: StoredLog, after: StoredLog): void {
  const { responses, durationsMs, failures, seconds } = result;
  const knownIds = new Set([...before.rows, ...before.deadLetters].map(({ id }) => id));
  const rows = after.rows.filter(({ id }) => !knownIds.has(id));
  const deadLetters = after.deadLetters.filter(({ id }) => !knownIds.has(id));
  const statuses = new Map([...rows, ...deadLetters].map(({ id, status }) => [id, status]));
  const absent = [...responses].filter(([id, status]) => statuses.get(id) !== status).length;
  // Requests to /health share rows, which count them.
  const repeats = rows.reduce((sum, row) => sum + (row.repeats ?? 0), 0);
  const missing = Math.abs(absent - repeats);
  // The id is the primary key of the table, so a duplicate is a row that is also a dead letter.
  const duplicates = rows.length + deadLetters.length - statuses.size;
  const unknown = [...statuses.keys()].filter((id) => !responses.has(id)).length;
  const bodies = after.rowsWithStoredBodies - before.rowsWithStoredBodies;
  const sortedMs = durationsMs.toSorted((a, b) => a - b);
  const total = durationsMs.length + failures;
  console.log(`
${responses.size} responses with different ids over ${CONNECTIONS} connections in ${seconds.toFixed(1)} s (${Math.round(total / seconds)}/s): ${countByClass(responses)}; ${failures} without a response
p50 ${findQuantile(sortedMs, 0.5).toFixed(1)} ms, p99 ${findQuantile(sortedMs, 0.99).toFixed(1)} ms
in the log: ${rows.length} rows, ${bodies} of them with bodies in the bucket, ${repeats} further requests that rows count, and ${deadLetters.length} dead letters
missing ${missing}, duplicates ${duplicates}, unknown ${unknown}`);
  if (missing + duplicates + unknown + failures > 0) process.exitCode = 1;
}

/** Formats the number of responses by class of status, such as `13374 2xx, 6626 4xx`. */
function countByClass(responses: ReadonlyMap<string, number>): string {
  const groups = Map.groupBy(responses.values(), (status) => `${Math.floor(status / 100)}xx`);
  return [...groups]
    .sort()
    .map(([name, statuses]) => `${statuses.length} ${name}`)
    .join(", ");
}
