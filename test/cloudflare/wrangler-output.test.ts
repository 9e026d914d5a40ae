import { describe, expect, test } from "vitest";
import { describeFailures, findErrorReason, findRetryAfterMs } from "../../cloudflare/wrangler-output.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const title = `A request to the Cloudflare API (/accounts/${ACCOUNT}/d1/database/7/query) failed.`;
const RATE_LIMIT = "Please wait and consider throttling your request speed [code: 971]";

// Outputs of wrangler 4.156.2.
const JSON_OUTPUT = `

${JSON.stringify({ error: { text: title, notes: [{ text: RATE_LIMIT }], kind: "error", retryAfterMs: 3000 } }, null, 2)}
`;
const PLAIN_OUTPUT = `\u001b[33m▲ \u001b[43;33m[\u001b[43;30mWARNING\u001b[43;33m]\u001b[0m \u001b[1mThis may take some time.\u001b[0m


\u001b[31m✘ \u001b[41;31m[\u001b[41;97mERROR\u001b[41;31m]\u001b[0m \u001b[1m${title}\u001b[0m

  ${RATE_LIMIT}
  
  If you think this is a bug, please open an issue at: https://github.com/cloudflare/workers-sdk/issues


Resource location: remote 

Executing on remote database facet-registry:
`;

describe("findErrorReason", () => {
  test.each([
    ["with --json", JSON_OUTPUT],
    ["without --json", PLAIN_OUTPUT],
  ])("has Cloudflare's message and code: %s", (_, output) => {
    expect(findErrorReason(output)).toBe(
      `A request to the Cloudflare API (/d1/database/7/query) failed: ${RATE_LIMIT}`,
    );
  });

  test("takes the message out of the body that wrangler prints for an object", () => {
    const body = JSON.stringify({ success: false, errors: [{ code: 10058, message: "Reduce your rate." }] });
    expect(findErrorReason(`✘ [ERROR] Failed to fetch /x - 429: Too Many Requests;\n\n  ${body}\n`)).toBe(
      "Failed to fetch /x - 429: Too Many Requests: Reduce your rate. [code: 10058]",
    );
  });

  test("has the reason of a failed migration, which wrangler prints as a second error", () => {
    const output =
      "\u2718 [ERROR] Migration 0001.sql failed with the following errors:\n\n\n\u2718 [ERROR] no such table: x [code: 7500]\n";
    expect(findErrorReason(output)).toBe(
      "Migration 0001.sql failed with the following errors: no such table: x [code: 7500]",
    );
  });

  test("is the first line with an error, or the first line, if nothing is marked", () => {
    expect(findErrorReason("\nhello\nan Error of Node\n")).toBe("an Error of Node");
    expect(findErrorReason("\nhello\nworld")).toBe("hello");
    expect(findErrorReason("")).toBe("no output");
  });

  test("is bounded", () => {
    expect(findErrorReason(`✘ [ERROR] ${"x".repeat(5000)}`).length).toBeLessThan(700);
  });
});

test("describeFailures names each status once, and why a connection was lost", () => {
  expect(describeFailures([])).toBe("");
  const request = `POST /client/v4/accounts/${ACCOUNT}/d1/database/7/query`;
  const failures = [
    { request, status: 500 },
    { request, status: 500 },
    { request, error: "other side closed" },
  ];
  expect(describeFailures(failures)).toBe(" (status 500; POST /d1/database/7/query: other side closed)");
});

test("findRetryAfterMs takes the longest wait, in seconds or until a date", () => {
  const request = "GET /client/v4/x";
  const now = Date.parse("2026-12-01T00:00:00Z");
  const dated = { request, status: 429, retryAfter: "Tue, 01 Dec 2026 00:01:00 GMT" };
  expect(findRetryAfterMs([{ request, status: 429, retryAfter: "3" }, dated], now)).toBe(60_000);
  expect(findRetryAfterMs([{ request, status: 500 }], now)).toBe(0);
  expect(findRetryAfterMs([{ request, status: 429, retryAfter: "soon" }], now)).toBe(0);
});
