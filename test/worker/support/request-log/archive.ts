/**
 * Creates records of old days, runs the archive job, and reads the archive without the code of the Worker.
 */

import { env } from "cloudflare:workers";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import { DAY_MS } from "../../../../src/lib/time.ts";
import { archiveOldDays } from "../../../../src/request-log/archive/archive.ts";
import { createRecord } from "./log-rows.ts";

/** When the archive job runs. */
export const NOW = Date.UTC(2026, 10, 20, 9, 30);

/** The start of the day that is a number of days before {@link NOW}, milliseconds since 1970. */
export const startOfDay = (daysAgo: number): number => Date.UTC(2026, 10, 20) - daysAgo * DAY_MS;

/** Creates records that are spread evenly over a day. Some have bodies, a price or a caller. */
export function createRecordsOfDay(daysAgo: number, count: number, random: () => number): RequestRecord[] {
  return Array.from({ length: count }, (_, i) =>
    createRecord(startOfDay(daysAgo) + Math.floor((i * DAY_MS) / count), random, {
      requestBody: i % 3 === 0 ? `{"n":${i},"text":"é\u2028💎\\n\\u0000"}` : null,
      responseBody: "x".repeat(i % 200),
      price: i % 2 === 0 ? i / 7 : null,
      durationMs: i / 13,
      caller: i % 5 === 0 ? "shop" : null,
    }),
  );
}

/** Runs the archive job until no rows are left to move. Returns the number of moved rows. */
export async function archiveAll(now = NOW): Promise<number> {
  let movedRows = 0;
  for (;;) {
    const rows = await archiveOldDays(env, now);
    if (rows === 0) return movedRows;
    movedRows += rows;
  }
}

export interface StoredChunk {
  readonly key: string;
  readonly rows: RequestRecord[];
}

/** Reads all chunks of the archive, in the order of their keys. */
export async function readArchive(): Promise<StoredChunk[]> {
  const chunks: StoredChunk[] = [];
  const { objects, truncated } = await env.MODELS.list({ prefix: "log-archive/" });
  expect(truncated).toBe(false);
  for (const { key } of objects) {
    const object = await env.MODELS.get(key);
    const lines = unpack(await object!.arrayBuffer()).split("\n");
    expect(lines.pop()).toBe("");
    chunks.push({ key, rows: lines.map((line) => JSON.parse(line)) });
  }
  return chunks;
}

function unpack(gzip: ArrayBuffer): string {
  return new TextDecoder().decode(gunzipSync(new Uint8Array(gzip)));
}

export async function readArchivedRows(): Promise<RequestRecord[]> {
  return (await readArchive()).flatMap(({ rows }) => rows);
}

/** Writes a chunk as earlier versions wrote it: one gzip file, without a list of blocks. */
export async function packAsOneBlock(key: string): Promise<void> {
  const object = await env.MODELS.get(key);
  const text = unpack(await object!.arrayBuffer());
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const { blocks: _, ...customMetadata } = object!.customMetadata!;
  await env.MODELS.put(key, await new Response(stream).arrayBuffer(), { customMetadata });
}
