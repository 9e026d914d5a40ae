/** How long the texts of a log record can be, and how much of the database the row of a stranger takes. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { insertRequests, type RequestRecord } from "../../../src/db/request-log/requests.ts";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import { cutText, limitTexts } from "../../../src/request-log/write/limit-texts.ts";
import { createRandom } from "../../support/random.ts";
import { call, readLogRecord, STONE } from "../support/call.ts";
import { emptyStorage } from "../support/empty-storage.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";
import { createRecord } from "../support/request-log/log-rows.ts";

const countOctets = (text: string | null | undefined) => new TextEncoder().encode(text ?? "").byteLength;

/** The texts of a row that its caller chose. */
const readTexts = (record: RequestRecord | undefined) =>
  [
    record?.path,
    record?.query,
    record?.userAgent,
    record?.problem,
    record?.requestBody,
    record?.responseBody,
  ].map(countOctets);

beforeEach(emptyStorage);

describe("cutText", () => {
  it.each([
    ["abcdefghij", 10, "abcdefghij"],
    ["abcdefghijk", 10, "abcdefg…"],
    ["ééééé", 10, "ééééé"],
    ["éééééé", 10, "ééé…"],
    ["aaaa💎💎💎", 12, "aaaa💎…"],
    ["💎💎💎💎", 16, "💎💎💎💎"],
    ["\0\0\0\0\0\0\0\0\0\0\0", 10, "\0\0\0\0\0\0\0…"],
    ["\ufeffabcdefghijk", 10, "\ufeffabcd…"],
    [`${"a".repeat(6)}\ud83d${"b".repeat(9)}`, 12, "aaaaaa\ufffd…"],
    ["", 10, ""],
  ])("makes %j fit into %i octets", (text, maxOctets, expected) => {
    const cut = cutText(text, maxOctets);
    expect(cut).toBe(expected);
    expect(countOctets(cut)).toBeLessThanOrEqual(maxOctets);
    expect(cut.isWellFormed()).toBe(true);
  });
});

describe("a request of a stranger", () => {
  const longest = {
    path: `/v1/nothing/${"é".repeat(5_000)}`,
    query: "q".repeat(60_000),
    userAgent: "x".repeat(120_000),
  };

  it("keeps about 100 bytes of its texts", async () => {
    const init = {
      method: "POST",
      headers: { "user-agent": longest.userAgent, "content-type": "application/json" },
      body: "\0".repeat(1_000_000),
    };
    const answer = await call(`${longest.path}?${longest.query}`, init, ENV_WITH_KEYS);
    expect(answer.status).toBe(404);
    const record = await readLogRecord(answer.id);
    expect(record).toMatchObject({
      method: "POST",
      path: expect.stringMatching(/^\/v1\/nothing\/(%C3%A9)+.{0,5}…$/),
      userAgent: expect.stringMatching(/^x+…$/),
      query: null,
      requestBody: null,
      responseBody: null,
      bodies: null,
    });
    expect(readTexts(record).reduce((sum, octets) => sum + octets)).toBe(112);
  });

  it("keeps short texts whole", async () => {
    const init = { method: "POST", headers: { "user-agent": "curl/8.5.0" }, body: '{"carat":1}' };
    const answer = await call("/v1/predictions?asking=400", init, ENV_WITH_KEYS);
    expect(await readLogRecord(answer.id)).toMatchObject({
      status: 401,
      path: "/v1/predictions",
      route: "/v1/predictions",
      userAgent: "curl/8.5.0",
      query: "asking=400",
      requestBody: '{"carat":1}',
      // It does not fit whole.
      responseBody: null,
    });
    const health = await call("/health", {}, ENV_WITH_KEYS);
    expect(await readLogRecord(health.id)).toMatchObject({ status: 200, responseBody: '{"status":"ok"}' });
  });

  it("takes at most 400 bytes of the database, whatever it sends and wherever", async () => {
    const random = createRandom(3);
    const routes = [null, ...new Set(ENDPOINTS.map(({ path }) => path))];
    let at = Date.now();
    for (const route of routes) {
      const records = Array.from({ length: 1_000 }, () =>
        limitTexts(
          createRecord(at++, random, {
            ...longest,
            path: `/v1/${"x".repeat(9_000)}`,
            method: "OPTIONS",
            route,
            status: 401,
            durationMs: 20 + random(),
            requestBody: "\0".repeat(300),
            responseBody: "b".repeat(300),
            country: "IT",
            colo: "MXP",
            problem: "p".repeat(500),
          }),
          true,
        ),
      );
      const before = await readDatabaseSize();
      for (let i = 0; i < records.length; i += 50) await insertRequests(env.LOG_DB, records.slice(i, i + 50));
      expect(((await readDatabaseSize()) - before) / records.length, String(route)).toBeLessThanOrEqual(400);
    }
  });

  it("keeps the reason of an error of ours", () => {
    const record = createRecord(0, Math.random, { status: 500, problem: "p".repeat(120), ...longest });
    expect(limitTexts(record, true).problem).toHaveLength(120);
    expect(countOctets(limitTexts({ ...record, problem: "p".repeat(500) }, true).problem)).toBe(160);
  });
});

describe("a request with a key", () => {
  it("keeps long texts up to their limits, and its body", async () => {
    const key = await createKey(crypto.randomUUID(), ["predict"]);
    const body = JSON.stringify({ ...STONE, cut: "Ruby", note: "é".repeat(50_000) });
    const headers = {
      ...createAuthorizationHeader(key),
      "content-type": "application/json",
      "user-agent": "x".repeat(120_000),
    };
    const answer = await call(
      `/v1/predictions?${"q".repeat(60_000)}`,
      { method: "POST", headers, body },
      ENV_WITH_KEYS,
    );
    expect(answer.status).toBe(422);
    expect(await readLogRecord(answer.id)).toMatchObject({
      path: "/v1/predictions",
      query: `${"q".repeat(4_093)}…`,
      userAgent: `${"x".repeat(1_021)}…`,
      requestBody: body,
      responseBody: answer.text,
    });
    const unknown = await call(
      `/${"p".repeat(5_000)}`,
      { headers: createAuthorizationHeader(key) },
      ENV_WITH_KEYS,
    );
    expect((await readLogRecord(unknown.id))?.path).toBe(`/${"p".repeat(2_044)}…`);
  });
});

async function readDatabaseSize(): Promise<number> {
  const { meta } = await env.LOG_DB.prepare("SELECT 1").run();
  return meta.size_after;
}
