import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { type RequestFilter, searchRequests } from "../../../src/db/request-log/search.ts";
import worker from "../../../src/index.ts";
import type { LogEntry } from "../../../src/request-log/read/entry.ts";
import { call, type Refusal, STONE } from "../support/call.ts";
import { wrap } from "../support/faults.ts";
import { bearer, makeKey } from "../support/keys.ts";
import { generator, idAt, insert, row } from "../support/log-rows.ts";

const START = Date.UTC(2026, 10, 1);
const MINUTE = 60_000;
const random = generator(5);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;

/** 20,000 requests, one a minute: mostly predictions; few errors, slow ones and old versions. */
const rows: readonly RequestRecord[] = Array.from({ length: 20_000 }, (_, i) => {
  const at = START + i * MINUTE + Math.floor(random() * 1000);
  const caller = random() < 0.01 ? pick(["marta", "ops"]) : random() < 0.8 ? "shop" : null;
  const durationMs = random() < 0.005 ? 200 + random() * 5000 : random() * 12;
  const kind = random();
  // Of these the newest come long before the newest 600.
  if (i < 15_000 && i % 1000 === 3)
    return row(at, random, {
      method: "POST",
      path: "/v1/predictions/x/outcome",
      route: "/v1/predictions/:id/outcome",
      status: i % 2000 === 3 ? 201 : 204,
      caller,
      durationMs,
    });
  if (kind < 0.005) return row(at, random, { path: `/v1/nothing/${i}`, route: null, status: 404, caller });
  if (kind < 0.01)
    return row(at, random, {
      path: `/v1/models/log-linear/versions/${i % 7}`,
      route: "/v1/models/:name/versions/:version",
      status: pick([200, 200, 404, 422]),
      caller,
      durationMs,
    });
  const refused = random() < 0.01;
  return row(at, random, {
    method: "POST",
    path: random() < 0.1 ? "/v1/predictions/batch" : "/v1/predictions",
    route: random() < 0.1 ? "/v1/predictions/batch" : "/v1/predictions",
    status: refused ? pick([422, 422, 422, 503, 401]) : 200,
    ...(!refused && {
      model: i % 500 === 0 ? "log-linear" : "boosting",
      modelVersion: 1 + Math.floor(i / 1500),
    }),
    durationMs,
    caller,
  });
});
const newestFirst = rows.toReversed();
let headers: Record<string, string>;

/** The definition of what a search answers. */
function bruteForce(filter: RequestFilter): string[] {
  const { since = 0, until = Number.POSITIVE_INFINITY, status, model, minDuration = 0, path = "" } = filter;
  return newestFirst
    .filter(({ at }) => at >= since && at < until)
    .filter((one) => status === undefined || (one.status >= status[0] && one.status <= status[1]))
    .filter(({ route }) => filter.route === undefined || route === filter.route)
    .filter((one) => model === undefined || one.model === model.name)
    .filter((one) => model?.kind !== "version" || one.modelVersion === model.version)
    .filter(({ durationMs }) => durationMs >= minDuration)
    .filter((one) => one.path.includes(path))
    .filter(({ caller }) => filter.caller === undefined || caller === filter.caller)
    .map(({ id }) => id);
}

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

/** The log's database, counting the rows that it reads. */
function counting(): { db: D1Database; read: () => number } {
  let rowsRead = 0;
  const count = <T>(result: D1Result<T>) => {
    rowsRead += result.meta.rows_read;
    return result;
  };
  const inner = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const statement = (real: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = wrap(real, {
      bind: (...values: unknown[]) => statement(real.bind(...values)),
      all: async <T>() => count(await real.all<T>()),
      raw: (async () => count(await real.all<Record<string, unknown>>()).results.map(Object.values)) as never,
    });
    inner.set(wrapped, real);
    return wrapped;
  };
  const db = wrap(env.LOG_DB, {
    prepare: (sql: string) => statement(env.LOG_DB.prepare(sql)),
    batch: async <T>(statements: D1PreparedStatement[]) =>
      (await env.LOG_DB.batch<T>(statements.map((one) => inner.get(one) ?? one))).map(count),
  });
  return { db, read: () => rowsRead };
}

beforeAll(async () => {
  await insert(rows);
  headers = bearer(await makeKey("admin", ["admin"]));
});

const FILTERS: [string, RequestFilter][] = [
  ["nothing", {}],
  ["since", { since: START + 15_000 * MINUTE }],
  ["until", { until: START + 700 * MINUTE }],
  ["a day", { since: START + 1440 * MINUTE, until: START + 2880 * MINUTE }],
  ["status 200", { status: [200, 200] }],
  ["a rare status below 400", { status: [201, 201] }],
  ["another", { status: [204, 204] }],
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
  ["slow, at the end of a key", { minDuration: 1020 }],
  ["very slow", { minDuration: 4900 }],
  ["the slower half", { minDuration: 6 }],
  ["a frequent caller", { caller: "shop" }],
  ["a rare caller", { caller: "marta" }],
  ["a frequent path", { path: "predict" }],
];
const SEEN: [string, RequestFilter][] = [
  ["a rare path", { path: "/nothing/1" }],
  ["no path", { path: "%" }],
  ["route and status", { route: "/v1/predictions", status: [503, 503] }],
  ["slow and model", { minDuration: 300, model: { kind: "name", name: "boosting" } }],
  ["caller and class", { caller: "ops", status: [400, 499] }],
  [
    "all",
    { since: START, status: [200, 299], route: "/v1/predictions", caller: "shop", minDuration: 3, path: "/" },
  ],
];

describe("searchRequests", () => {
  it.each([...FILTERS, ...SEEN])("agrees with a scan of all requests: %s", async (_, filter) => {
    const expected = bruteForce(filter);
    // Frequent ones to their end by large pages, and by small ones as far as 20 pages go.
    expect(await searchAll(filter, 1000)).toEqual(expected);
    const some = await searchAll(filter, 7, 20);
    expect(some).toEqual(expected.slice(0, some.length));
  });

  it("agrees with it for any filter", async () => {
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const minute = fc.integer({ min: 0, max: 20_000 }).map((n) => START + n * MINUTE);
    const arbitrary = fc.record({
      since: maybe(minute),
      until: maybe(minute),
      status: maybe(fc.constantFrom<[number, number]>([200, 200], [400, 499], [500, 599], [422, 422])),
      route: maybe(fc.constantFrom("/v1/predictions", "/v1/predictions/batch", "/v1/x")),
      model: maybe(
        fc.constantFrom<RequestFilter["model"] & object>(
          { kind: "name", name: "boosting" },
          { kind: "name", name: "log-linear" },
          { kind: "version", name: "boosting", version: 3 },
        ),
      ),
      minDuration: maybe(fc.constantFrom(0, 5, 16, 100, 300)),
      path: maybe(fc.constantFrom("/", "batch", "versions")),
      caller: maybe(fc.constantFrom("shop", "marta", "nobody")),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async (filter) => {
        expect(await searchAll(filter, 900)).toEqual(bruteForce(filter));
      }),
      { numRuns: 60 },
    );
  });

  it.each([...FILTERS, ["a rare path", { path: "/nothing/1" }] as const])(
    "reads less than 1,000 rows for the first page: %s",
    async (_, filter) => {
      const { db, read } = counting();
      const { rows: page } = await searchRequests(db, filter, { limit: 50 });
      expect(page.map(({ id }) => id)).toEqual(bruteForce(filter).slice(0, page.length));
      if (!("path" in filter)) expect(page).toHaveLength(Math.min(50, bruteForce(filter).length));
      expect(read()).toBeGreaterThan(0);
      expect(read()).toBeLessThan(1000);
    },
  );

  it("reads a bounded number of rows whatever is asked", async () => {
    for (const [, filter] of SEEN) {
      const { db, read } = counting();
      await searchRequests(db, filter, { limit: 50 });
      expect(read()).toBeLessThan(4000);
    }
  });
});

interface Page {
  requests: LogEntry[];
  next: string | null;
}

async function list(query: string): Promise<Page> {
  const answer = await call(`/v1/requests${query}`, { headers });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text);
}

describe("GET /v1/requests", () => {
  it("pages through the log while requests come in", async () => {
    const seen: string[] = [];
    let next: string | null = "";
    const until = new Date(START + 1000 * MINUTE).toISOString();
    while (next !== null) {
      const page: Page = await list(
        `?until=${until}&limit=200${next && `&next=${encodeURIComponent(next)}`}`,
      );
      seen.push(...page.requests.map(({ id }) => id));
      next = page.next;
      // One comes in late, among those that were seen.
      await insert([row(START + 999 * MINUTE, random)]);
    }
    expect(seen).toEqual(bruteForce({ until: START + 1000 * MINUTE }));
    await env.LOG_DB.prepare("DELETE FROM requests WHERE path = '/health'").run();
  });

  it("begins with the newest: those that asked before", async () => {
    const asked = await call("/v1/requests?limit=1", { headers });
    const { requests } = await list("?limit=1");
    expect(requests[0]).toMatchObject({
      id: asked.id,
      method: "GET",
      path: "/v1/requests",
      route: "/v1/requests",
      query: "limit=1",
      status: 200,
      model: null,
      caller: "admin",
    });
  });

  it.each([
    ["?status=404", { status: [404, 404] }],
    ["?status=4xx", { status: [400, 499] }],
    ["?route=/v1/models/:name/versions/:version", { route: "/v1/models/:name/versions/:version" }],
    ["?model=boosting@2", { model: { kind: "version", name: "boosting", version: 2 } }],
    ["?model=log-linear", { model: { kind: "name", name: "log-linear" } }],
    ["?minDuration=250", { minDuration: 250 }],
    ["?caller=marta", { caller: "marta" }],
    ["?path=predict", { path: "predict" }],
    [
      "?since=2026-11-02&until=2026-11-03T00:00:00%2B00:00",
      { since: START + 1440 * MINUTE, until: START + 2880 * MINUTE },
    ],
  ] as [string, RequestFilter][])("knows %s", async (query, filter) => {
    const until = `${query.includes("until") ? "" : "&until=2026-11-20"}`;
    const { requests } = await list(`${query}${until}`);
    expect(requests.map(({ id }) => id)).toEqual(bruteForce(filter).slice(0, 50));
    expect(requests.length).toBeGreaterThan(10);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["status=99", "status"],
    ["status=4x", "status"],
    ["since=yesterday", "since"],
    ["until=2026-13-01", "until"],
    ["model=Log", "model"],
    ["minDuration=-1", "minDuration"],
    ["minDuration=fast", "minDuration"],
    ["path=", "path"],
    ["format=xml", "format"],
    ["next=x", "next"],
    ["next=YmVmb3JlOjE", "next"],
    ["page=2", "page"],
  ])("refuses %s", async (query, path) => {
    const answer = await call(`/v1/requests?${query}`, { headers });
    expect(answer.status).toBe(422);
    expect((JSON.parse(answer.text) as Refusal).errors).toMatchObject([{ path }]);
  });

  it("needs a key with the scope admin", async () => {
    expect((await call("/v1/requests")).status).toBe(401);
    const shop = bearer(await makeKey("appraiser", ["predict", "appraise"]));
    expect((await call("/v1/requests", { headers: shop })).status).toBe(403);
    expect((await call("/v1/requests?format=csv", { headers: shop })).status).toBe(403);
  });
});

describe("an export", () => {
  it.each(["", "&status=404", "&caller=shop"])("reads a page with one statement: %s", async (query) => {
    const sent: number[] = [];
    const LOG_DB = wrap(env.LOG_DB, {
      prepare: (sql: string) => {
        if (sql.startsWith("SELECT") || sql.startsWith("WITH")) sent.push(1);
        return env.LOG_DB.prepare(sql);
      },
    });
    const { text } = await call(
      `/v1/requests?format=ndjson&until=2026-11-15${query}`,
      { headers },
      {
        ...env,
        LOG_DB,
      },
    );
    const entries = text.trimEnd().split("\n").length;
    expect(sent.length).toBe(Math.ceil(entries / 5000));
  });

  it("as NDJSON has every request that fits, a line each", async () => {
    const { response, text } = await call("/v1/requests?format=ndjson&until=2026-11-10&limit=1", { headers });
    expect(response.headers.get("content-type")).toMatch(/^application\/x-ndjson/);
    const entries = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as LogEntry);
    expect(entries.map(({ id }) => id)).toEqual(bruteForce({ until: Date.UTC(2026, 10, 10) }));
  });

  it("as CSV is defused and quoted", async () => {
    const at = START - 1000 * MINUTE;
    const evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", 'a"b', "a,b", "a\r\nb", "plain"];
    await insert(evil.map((userAgent, i) => row(at + i, random, { userAgent, query: userAgent })));
    const { response, text } = await call(`/v1/requests?format=csv&until=${new Date(START).toISOString()}`, {
      headers,
    });
    expect(response.headers.get("content-type")).toMatch(/^text\/csv/);
    const [header, ...lines] = parseCsv(text);
    expect(header?.slice(0, 4)).toEqual(["id", "at", "method", "path"]);
    const agents = lines.map((line) => line[header?.indexOf("userAgent") ?? -1]);
    const defused = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", 'a"b', "a,b", "a\r\nb", "plain"];
    expect(agents).toEqual(defused.toReversed());
  });

  it("of nothing is empty", async () => {
    expect((await call("/v1/requests?format=ndjson&until=2020-01-01", { headers })).text).toBe("");
    expect((await call("/v1/requests?format=csv&until=2020-01-01", { headers })).text).toMatch(
      /^id,at,.*\r\n$/,
    );
  });

  it("that cannot go on breaks off", async () => {
    let calls = 0;
    const LOG_DB = wrap(env.LOG_DB, {
      prepare: (sql: string) => {
        if (sql.startsWith("SELECT id") && ++calls === 3)
          throw new Error("D1_ERROR: Network connection lost.");
        return env.LOG_DB.prepare(sql);
      },
    });
    const request = new Request("https://facet.test/v1/requests?format=ndjson", { headers });
    const response = await worker.fetch(request, { ...env, LOG_DB }, createExecutionContext());
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("Network connection lost");
  });

  it("is logged without what it told", async () => {
    const { id } = await call("/v1/requests?format=csv&limit=1&until=2026-11-02", { headers });
    const { text } = await call(`/v1/requests/${id}`, { headers });
    expect(JSON.parse(text)).toMatchObject({ id, status: 200, responseBody: null });
  });
});

describe("GET /v1/requests/{id}", () => {
  it("shows both bodies", async () => {
    const body = JSON.stringify({ ...STONE, cut: "Ruby" });
    const asked = await call("/v1/predictions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const { status, text } = await call(`/v1/requests/${asked.id}`, { headers });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      id: asked.id,
      status: 422,
      requestBody: body,
      responseBody: asked.text,
    });
  });

  it("shows them whole where they lie in the bucket", async () => {
    const body = `{"diamonds":${JSON.stringify("x".repeat(600_000))}}`;
    const asked = await call("/v1/predictions/batch", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const { text } = await call(`/v1/requests/${asked.id}`, { headers });
    expect(JSON.parse(text).requestBody).toBe(body);
    const stored = await env.LOG_DB.prepare(
      "SELECT bodies, length(request_body) AS length FROM requests WHERE id = ?",
    )
      .bind(asked.id)
      .first<{ bodies: string; length: number }>();
    expect(stored?.bodies).toContain(asked.id);
    expect(stored?.length).toBeLessThan(10_000);
  });

  it.each(["nothing", "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90", "%00", "'%20OR%201=1"])(
    "knows no %s",
    async (id) => {
      expect((await call(`/v1/requests/${id}`, { headers })).status).toBe(404);
    },
  );

  it("needs a key with the scope admin", async () => {
    expect((await call(`/v1/requests/${idAt(START, random)}`)).status).toBe(401);
  });
});

describe("an answer", () => {
  it("says how long it took", async () => {
    for (const path of ["/health", "/v1/nothing", "/v1/models"])
      expect((await call(path)).response.headers.get("server-timing")).toMatch(/^total;dur=\d+(\.\d+)?$/);
  });
});

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  return text
    .split(/\r\n(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    .slice(0, -1)
    .map((line) =>
      Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
        quoted === undefined ? (plain ?? "") : quoted.replaceAll('""', '"'),
      ),
    );
}
