/** Reads a log whose rows have texts as long as an earlier version of the Worker stored them. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { samplePredictions } from "../../../src/db/request-log/samples.ts";
import { searchRequests } from "../../../src/db/request-log/search.ts";
import type { RequestFilter } from "../../../src/db/request-log/search-conditions.ts";
import { HOUR_MS } from "../../../src/lib/time.ts";
import { archiveOldDays } from "../../../src/request-log/archive/archive.ts";
import worker from "../../../src/worker.ts";
import { ORIGIN } from "../support/call.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";
import { archiveAll, NOW, readArchive, startOfDay } from "../support/request-log/archive.ts";
import { createMeasuringDatabase, insertLongRows, LONG_TEXTS } from "../support/request-log/long-rows.ts";

const ROWS = 48;
/** A page ends with the row that reaches a megabyte of text, and such a row has 180,000 characters without bodies. */
const MAX_PAGE_BYTES = 1_300_000;

const at = startOfDay(95);
let headers: Record<string, string>;

beforeAll(async () => {
  headers = createAuthorizationHeader(await createKey("admin", ["admin"]));
  await insertLongRows(at, ROWS);
});

describe("a log of long rows", () => {
  it.each<[string, RequestFilter]>([
    ["without a filter", {}],
    ["with a filter that an index finds", { route: "/v1/predictions" }],
    ["with a filter that checks rows", { path: "predictions" }],
    ["with two filters", { route: "/v1/predictions", path: "predictions" }],
    ["that has several keys of an index", { model: { kind: "name", name: "steep" } }],
  ])("is listed in pages of a megabyte: %s", async (_, filter) => {
    const { db, getLargestAnswer } = createMeasuringDatabase();
    const until = at + HOUR_MS;
    const ids: string[] = [];
    let before: string | null | undefined;
    let pages = 0;
    do {
      const page = await searchRequests(
        db,
        { ...filter, until },
        { before: before ?? undefined, limit: 200 },
      );
      expect(page.rows.length).toBeGreaterThan(0);
      for (const row of page.rows) expect(row.userAgent).toHaveLength(LONG_TEXTS.userAgent);
      ids.push(...page.rows.map(({ id }) => id));
      before = page.before;
      pages++;
    } while (before !== null);
    expect(new Set(ids).size).toBe(ROWS);
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect(pages).toBe(ROWS / 6);
    expect(getLargestAnswer()).toBeLessThan(MAX_PAGE_BYTES);
  });

  it("is exported completely, one small page after the other", async () => {
    const { db, getLargestAnswer } = createMeasuringDatabase();
    const request = new Request(`${ORIGIN}/v1/requests/export?format=ndjson`, { headers });
    const response = await worker.fetch(request, { ...ENV_WITH_KEYS, LOG_DB: db }, createExecutionContext());
    let largestPiece = 0;
    let lines = 0;
    for await (const piece of response.body!) {
      largestPiece = Math.max(largestPiece, piece.byteLength);
      for (const byte of piece) if (byte === 10) lines++;
    }
    expect(lines).toBe(ROWS);
    expect(getLargestAnswer()).toBeLessThan(MAX_PAGE_BYTES);
    expect(largestPiece).toBeLessThan(MAX_PAGE_BYTES);
  });

  it("is sampled for monitoring without the predictions that are too much", async () => {
    const { db, getLargestAnswer } = createMeasuringDatabase();
    const model = { name: "steep", version: 1 };
    const hour = at / HOUR_MS;
    expect(await samplePredictions(db, hour, { route: "/v1/predictions", model }, 100)).toHaveLength(1);
    expect(getLargestAnswer()).toBeLessThan(MAX_PAGE_BYTES);
  });

  it("is archived in small pages and chunks, and the day is empty afterwards", async () => {
    const { db, getLargestAnswer } = createMeasuringDatabase();
    expect(await archiveOldDays({ ...env, LOG_DB: db }, NOW)).toBe(ROWS);
    expect(await archiveAll()).toBe(0);
    expect(getLargestAnswer()).toBeLessThan(2_600_000);
    const chunks = await readArchive();
    expect(chunks.flatMap(({ rows }) => rows)).toHaveLength(ROWS);
    // A chunk ends with the page that reaches 8 MB.
    for (const { rows } of chunks) expect(rows.length * 430_000).toBeLessThan(11_000_000);
    expect(chunks[0]?.rows[0]).toMatchObject({ requestBody: `\0${"0".repeat(LONG_TEXTS.requestBody)}` });
  });
});
