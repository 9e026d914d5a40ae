import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/lib/time.ts";
import type { LogEntry } from "../../../src/request-log/read/entry.ts";
import worker from "../../../src/worker.ts";
import { createRandom } from "../../support/random.ts";
import { call } from "../support/call.ts";
import { overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey } from "../support/keys.ts";
import { createRecord, insertRecords } from "../support/request-log/log-rows.ts";
import { createSampleLog, filterByScan, SAMPLE_LOG_START } from "../support/request-log/sample-log.ts";

const records = createSampleLog();
const random = createRandom(6);
let headers: Record<string, string>;

beforeAll(async () => {
  await insertRecords(records);
  headers = createAuthorizationHeader(await createKey("admin", ["admin"]));
});

describe("GET /v1/requests/export", () => {
  it.each(["", "&status=404", "&caller=shop"])(
    "reads 5,000 rows per query, with the filter %j",
    async (query) => {
      let queryCount = 0;
      const LOG_DB = overrideMethods(env.LOG_DB, {
        prepare: (sql: string) => {
          if (sql.startsWith("SELECT") || sql.startsWith("WITH")) queryCount++;
          return env.LOG_DB.prepare(sql);
        },
      });
      const { text } = await call(
        `/v1/requests/export?format=ndjson&until=2026-11-15${query}`,
        { headers },
        {
          ...env,
          LOG_DB,
        },
      );
      const entries = text.trimEnd().split("\n").length;
      expect(queryCount).toBe(Math.ceil(entries / 5000));
    },
  );

  it("returns every matching request as a line of NDJSON", async () => {
    const { response, text } = await call("/v1/requests/export?format=ndjson&until=2026-11-10", { headers });
    expect(response.headers.get("content-type")).toMatch(/^application\/x-ndjson/);
    const entries = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as LogEntry);
    expect(entries.map(({ id }) => id)).toEqual(filterByScan(records, { until: Date.UTC(2026, 10, 10) }));
  });

  it("quotes CSV fields, and puts an apostrophe before formulas", async () => {
    const at = SAMPLE_LOG_START - 1000 * MINUTE_MS;
    const texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", 'a"b', "a,b", "a\r\nb", "plain"];
    await insertRecords(
      texts.map((userAgent, i) => createRecord(at + i, random, { userAgent, query: userAgent })),
    );
    const { response, text } = await call(
      `/v1/requests/export?format=csv&until=${new Date(SAMPLE_LOG_START).toISOString()}`,
      {
        headers,
      },
    );
    expect(response.headers.get("content-type")).toMatch(/^text\/csv/);
    const [header, ...lines] = parseCsv(text);
    expect(header?.slice(0, 4)).toEqual(["id", "at", "method", "path"]);
    const agents = lines.map((line) => line[header?.indexOf("userAgent") ?? -1]);
    const expected = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", 'a"b', "a,b", "a\r\nb", "plain"];
    expect(agents).toEqual(expected.toReversed());
  });

  it("is CSV by default, and reads the format in any case", async () => {
    for (const [query, type] of [
      ["", "text/csv; charset=utf-8"],
      ["&format=CSV", "text/csv; charset=utf-8"],
      ["&format=NdJson", "application/x-ndjson; charset=utf-8"],
    ]) {
      const { response } = await call(`/v1/requests/export?until=2026-11-02${query}`, { headers });
      expect(response.headers.get("content-type")).toBe(type);
    }
    const { status, text } = await call("/v1/requests/export?format=xml", { headers });
    expect(status).toBe(422);
    expect(JSON.parse(text).detail).toBe('format must be one of csv, ndjson; it is the text "xml"');
  });

  it("returns no lines, or only the CSV header, if no request matches", async () => {
    expect((await call("/v1/requests/export?format=ndjson&until=2020-01-01", { headers })).text).toBe("");
    expect((await call("/v1/requests/export?format=csv&until=2020-01-01", { headers })).text).toMatch(
      /^id,at,.*\r\n$/,
    );
  });

  it("aborts the response if the database fails during the export", async () => {
    let calls = 0;
    const LOG_DB = overrideMethods(env.LOG_DB, {
      prepare: (sql: string) => {
        if (sql.includes("FROM requests") && ++calls === 3)
          throw new Error("D1_ERROR: Network connection lost.");
        return env.LOG_DB.prepare(sql);
      },
    });
    const request = new Request("https://facet.test/v1/requests/export?format=ndjson", { headers });
    const response = await worker.fetch(request, { ...env, LOG_DB }, createExecutionContext());
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("Network connection lost");
  });

  it("is logged without its response body", async () => {
    const { id } = await call("/v1/requests/export?format=csv&until=2026-11-02", { headers });
    const { text } = await call(`/v1/requests/${id}`, { headers });
    expect(JSON.parse(text)).toMatchObject({ id, status: 200, responseBody: null });
  });
});

/** Parses CSV as RFC 4180 defines it. */
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
