import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { RequestFilter } from "../../../src/db/request-log/search-conditions.ts";
import { MINUTE_MS } from "../../../src/lib/time.ts";
import type { LogEntry } from "../../../src/request-log/read/entry.ts";
import { createRandom } from "../../support/random.ts";
import { call, type ProblemDetails, STONE } from "../support/call.ts";
import { createAuthorizationHeader, createKey } from "../support/keys.ts";
import { createIdAt, createRecord, insertRecords } from "../support/request-log/log-rows.ts";
import { createSampleLog, filterByScan, SAMPLE_LOG_START } from "../support/request-log/sample-log.ts";

const records = createSampleLog();
const random = createRandom(6);
let headers: Record<string, string>;

beforeAll(async () => {
  await insertRecords(records);
  headers = createAuthorizationHeader(await createKey("admin", ["admin"]));
});

interface RequestPage {
  requests: LogEntry[];
  next: string | null;
}

async function listRequests(query: string): Promise<RequestPage> {
  const answer = await call(`/v1/requests${query}`, { headers });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text);
}

/** The second day of the sample log. */
const DAY_FILTER: RequestFilter = {
  since: SAMPLE_LOG_START + 1440 * MINUTE_MS,
  until: SAMPLE_LOG_START + 2880 * MINUTE_MS,
};

describe("GET /v1/requests", () => {
  it("returns all requests in pages while new requests are logged", async () => {
    const seen: string[] = [];
    let next: string | null = "";
    const until = new Date(SAMPLE_LOG_START + 1000 * MINUTE_MS).toISOString();
    while (next !== null) {
      const page: RequestPage = await listRequests(
        `?until=${until}&limit=200${next && `&next=${encodeURIComponent(next)}`}`,
      );
      seen.push(...page.requests.map(({ id }) => id));
      next = page.next;
      // A late record appears on a page that was read already.
      await insertRecords([createRecord(SAMPLE_LOG_START + 999 * MINUTE_MS, random)]);
    }
    expect(seen).toEqual(filterByScan(records, { until: SAMPLE_LOG_START + 1000 * MINUTE_MS }));
    await env.LOG_DB.prepare("DELETE FROM requests WHERE path = '/health'").run();
  });

  it("starts with the newest request: the previous search itself", async () => {
    const previous = await call("/v1/requests?limit=1", { headers });
    const { requests } = await listRequests("?limit=1");
    expect(requests[0]).toMatchObject({
      id: previous.id,
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
    ["?status=4XX", { status: [400, 499] }],
    ["?status=%20404", { status: [404, 404] }],
    ["?route=/v1/models/:name/versions/:version", { route: "/v1/models/:name/versions/:version" }],
    ["?model=boosting@2", { model: { kind: "version", name: "boosting", version: 2 } }],
    ["?model=log-linear", { model: { kind: "name", name: "log-linear" } }],
    ["?minDuration=250", { minDuration: 250 }],
    ["?caller=marta", { caller: "marta" }],
    ["?path=predict", { path: "predict" }],
    ["?since=2026-11-02&until=2026-11-03T00:00:00%2B00:00", DAY_FILTER],
    ["?since=20261102T0000Z&until=2026-11-03T01:00:00+01:00", DAY_FILTER],
    ["?since=2026-11-01T19:00:00-0500&until=2026-11-03T00:00", DAY_FILTER],
    ["?since=2026-11-02%2000:00&until=2026-W45-2", DAY_FILTER],
  ] as [string, RequestFilter][])("filters by %s", async (query, filter) => {
    const until = `${query.includes("until") ? "" : "&until=2026-11-20"}`;
    const { requests } = await listRequests(`${query}${until}`);
    expect(requests.map(({ id }) => id)).toEqual(filterByScan(records, filter).slice(0, 50));
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
    ["status=4xx&status=5xx", "status"],
    ["limt=5", "limt"],
    ["Caller=marta", "Caller"],
    ["next=x", "next"],
    ["next=YmVmb3JlOjE", "next"],
  ])("rejects %s", async (query, path) => {
    const answer = await call(`/v1/requests?${query}`, { headers });
    expect(answer.status).toBe(422);
    expect((JSON.parse(answer.text) as ProblemDetails).errors).toMatchObject([{ path }]);
  });

  it("says what came", async () => {
    const { text } = await call("/v1/requests?since=yesterday&minDuration=fast&status=4xx&status=5xx", {
      headers,
    });
    expect((JSON.parse(text) as ProblemDetails).errors?.map(({ message }) => message)).toEqual([
      "status was given twice: send it once",
      'since must be a date or a time in ISO 8601, such as 2026-11-24 or 2026-11-24T09:30:00Z; it is the text "yesterday"',
      'minDuration must be a number of milliseconds from 0 to 3600000; it is the text "fast"',
    ]);
  });

  it("ignores unknown parameters, and answers JSON only", async () => {
    const { response } = await call("/v1/requests?_=123&page=2&until=2026-11-20", { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  });

  it("requires a key with the scope admin", async () => {
    expect((await call("/v1/requests")).status).toBe(401);
    const shop = createAuthorizationHeader(await createKey("appraiser", ["predict", "appraise"]));
    expect((await call("/v1/requests", { headers: shop })).status).toBe(403);
    expect((await call("/v1/requests/export", { headers: shop })).status).toBe(403);
  });
});

describe("GET /v1/requests/{id}", () => {
  it("returns the bodies of the request and the response", async () => {
    const body = JSON.stringify({ ...STONE, cut: "Ruby" });
    const prediction = await call("/v1/predictions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const { status, text } = await call(`/v1/requests/${prediction.id}`, { headers });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      id: prediction.id,
      status: 422,
      requestBody: body,
      responseBody: prediction.text,
    });
  });

  it("returns complete bodies that are stored in the bucket", async () => {
    const body = `{"diamonds":${JSON.stringify("x".repeat(600_000))}}`;
    const prediction = await call("/v1/predictions/batch", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const { text } = await call(`/v1/requests/${prediction.id}`, { headers });
    expect(JSON.parse(text).requestBody).toBe(body);
    const stored = await env.LOG_DB.prepare(
      "SELECT bodies, length(request_body) AS length FROM requests WHERE id = ?",
    )
      .bind(prediction.id)
      .first<{ bodies: string; length: number }>();
    expect(stored?.bodies).toContain(prediction.id);
    expect(stored?.length).toBeLessThan(10_000);
  });

  it.each(["nothing", "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90", "%00", "'%20OR%201=1"])(
    "answers 404 for the id %s",
    async (id) => {
      expect((await call(`/v1/requests/${id}`, { headers })).status).toBe(404);
    },
  );

  it("requires a key with the scope admin", async () => {
    expect((await call(`/v1/requests/${createIdAt(SAMPLE_LOG_START, random)}`)).status).toBe(401);
  });
});

describe("the Server-Timing header", () => {
  it("has the duration of the request", async () => {
    for (const path of ["/health", "/v1/nothing", "/v1/models"])
      expect((await call(path)).response.headers.get("server-timing")).toMatch(/^total;dur=\d+(\.\d+)?$/);
  });
});
