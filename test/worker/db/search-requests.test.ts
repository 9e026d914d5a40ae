/**
 * Compares the search in the log's database with a scan of all records, and counts the rows that it reads.
 */
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { searchRequests } from "../../../src/db/request-log/search.ts";
import type { RequestFilter } from "../../../src/db/request-log/search-conditions.ts";
import { MINUTE_MS } from "../../../src/lib/time.ts";
import { overrideMethods } from "../support/faults.ts";
import { insertRecords } from "../support/request-log/log-rows.ts";
import { createSampleLog, filterByScan, SAMPLE_LOG_START } from "../support/request-log/sample-log.ts";

const records = createSampleLog();

async function searchAll(filter: RequestFilter, limit: number, pages = Number.POSITIVE_INFINITY) {
  const ids: string[] = [];
  let before: string | null | undefined;
  for (let i = 0; i < pages && before !== null; i++) {
    const page = await searchRequests(env.LOG_DB, filter, { before: before ?? undefined, limit });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    ids.push(...page.rows.map(({ id }) => id));
    before = page.before;
  }
  return ids;
}

/** Wraps the log's database so that it counts the rows that are read. */
function createCountingDatabase(): { db: D1Database; getRowsRead: () => number } {
  let rowsRead = 0;
  const countRows = <T>(result: D1Result<T>) => {
    rowsRead += result.meta.rows_read;
    return result;
  };
  const realStatements = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const wrapStatement = (real: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = overrideMethods(real, {
      bind: (...values: unknown[]) => wrapStatement(real.bind(...values)),
      all: async <T>() => countRows(await real.all<T>()),
      raw: (async () =>
        countRows(await real.all<Record<string, unknown>>()).results.map(Object.values)) as never,
    });
    realStatements.set(wrapped, real);
    return wrapped;
  };
  const db = overrideMethods(env.LOG_DB, {
    prepare: (sql: string) => wrapStatement(env.LOG_DB.prepare(sql)),
    batch: async <T>(statements: D1PreparedStatement[]) =>
      (await env.LOG_DB.batch<T>(statements.map((one) => realStatements.get(one) ?? one))).map(countRows),
  });
  return { db, getRowsRead: () => rowsRead };
}

beforeAll(async () => {
  await insertRecords(records);
});

/** An index finds the matching requests. */
const INDEXED_FILTERS: [string, RequestFilter][] = [
  ["no filter", {}],
  ["since", { since: SAMPLE_LOG_START + 15_000 * MINUTE_MS }],
  ["until", { until: SAMPLE_LOG_START + 700 * MINUTE_MS }],
  ["a day", { since: SAMPLE_LOG_START + 1440 * MINUTE_MS, until: SAMPLE_LOG_START + 2880 * MINUTE_MS }],
  ["status 200", { status: [200, 200] }],
  ["a rare status below 400", { status: [201, 201] }],
  ["another rare status below 400", { status: [204, 204] }],
  ["3xx", { status: [300, 399] }],
  ["2xx", { status: [200, 299] }],
  ["status 401", { status: [401, 401] }],
  ["status 404", { status: [404, 404] }],
  ["4xx", { status: [400, 499] }],
  ["5xx", { status: [500, 599] }],
  ["a frequent route", { route: "/v1/predictions" }],
  ["a rare route", { route: "/v1/models/:name/versions/:version" }],
  ["an unknown route", { route: "/v1" }],
  ["a model", { model: { kind: "name", name: "boosting" } }],
  ["a rare model", { model: { kind: "name", name: "log-linear" } }],
  ["an old version", { model: { kind: "version", name: "boosting", version: 2 } }],
  ["slow", { minDuration: 250 }],
  ["slow, at the upper end of an index key", { minDuration: 1020 }],
  ["very slow", { minDuration: 4900 }],
  ["the slower half", { minDuration: 6 }],
  ["a frequent caller", { caller: "shop" }],
  ["a rare caller", { caller: "marta" }],
  ["a frequent path", { path: "predict" }],
];
/** A scan of a limited number of requests finds the matching ones. */
const UNINDEXED_FILTERS: [string, RequestFilter][] = [
  ["a rare path", { path: "/nothing/1" }],
  ["a path that does not exist", { path: "%" }],
  ["route and status", { route: "/v1/predictions", status: [503, 503] }],
  ["duration and model", { minDuration: 300, model: { kind: "name", name: "boosting" } }],
  ["caller and status class", { caller: "ops", status: [400, 499] }],
  [
    "all filters",
    {
      since: SAMPLE_LOG_START,
      status: [200, 299],
      route: "/v1/predictions",
      caller: "shop",
      minDuration: 3,
      path: "/",
    },
  ],
];

describe("searchRequests", () => {
  it.each([...INDEXED_FILTERS, ...UNINDEXED_FILTERS])(
    "returns the same requests as a scan: %s",
    async (_, filter) => {
      const expected = filterByScan(records, filter);
      // Large pages read all results. Small pages read only the first 20 pages, to save time.
      expect(await searchAll(filter, 1000)).toEqual(expected);
      const start = await searchAll(filter, 7, 20);
      expect(start).toEqual(expected.slice(0, start.length));
    },
  );

  it("returns the same requests as a scan for any combination of filters", async () => {
    const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const minute = fc.integer({ min: 0, max: 20_000 }).map((n) => SAMPLE_LOG_START + n * MINUTE_MS);
    const arbitrary = fc.record({
      since: optional(minute),
      until: optional(minute),
      status: optional(fc.constantFrom<[number, number]>([200, 200], [400, 499], [500, 599], [422, 422])),
      route: optional(fc.constantFrom("/v1/predictions", "/v1/predictions/batch", "/v1/x")),
      model: optional(
        fc.constantFrom<RequestFilter["model"] & object>(
          { kind: "name", name: "boosting" },
          { kind: "name", name: "log-linear" },
          { kind: "version", name: "boosting", version: 3 },
        ),
      ),
      minDuration: optional(fc.constantFrom(0, 5, 16, 100, 300)),
      path: optional(fc.constantFrom("/", "batch", "versions")),
      caller: optional(fc.constantFrom("shop", "marta", "nobody")),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async (filter) => {
        expect(await searchAll(filter, 900)).toEqual(filterByScan(records, filter));
      }),
      { numRuns: 60 },
    );
  });

  it.each([...INDEXED_FILTERS, ["a rare path", { path: "/nothing/1" }] as const])(
    "reads fewer than 1,000 rows for the first page: %s",
    async (_, filter) => {
      const { db, getRowsRead } = createCountingDatabase();
      const { rows: page } = await searchRequests(db, filter, { limit: 50 });
      expect(page.map(({ id }) => id)).toEqual(filterByScan(records, filter).slice(0, page.length));
      if (!("path" in filter)) expect(page).toHaveLength(Math.min(50, filterByScan(records, filter).length));
      expect(getRowsRead()).toBeGreaterThan(0);
      expect(getRowsRead()).toBeLessThan(1000);
    },
  );

  it("reads fewer than 4,000 rows for a page with any filter", async () => {
    for (const [, filter] of UNINDEXED_FILTERS) {
      const { db, getRowsRead } = createCountingDatabase();
      await searchRequests(db, filter, { limit: 50 });
      expect(getRowsRead()).toBeLessThan(4000);
    }
  });
});
