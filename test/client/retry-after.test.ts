import { describe, expect, test } from "vitest";
import { readRetryAfterMs } from "../../clients/typescript/src/retry-after.ts";

const read = (headers: Record<string, string>, now?: number) => readRetryAfterMs(new Headers(headers), now);
const NOON = "Tue, 01 Dec 2026 12:00:00 GMT";
const LATER = "Tue, 01 Dec 2026 12:00:30 GMT";

describe("Retry-After", () => {
  test.each([
    ["10", 10_000],
    [" 2 ", 2_000],
    ["0", 0],
    ["0.5", 500],
  ])("of %j is read as seconds", (text, ms) => {
    expect(read({ "retry-after": text })).toBe(ms);
  });

  test("as a date is compared with the server's clock, whatever the clock of this machine says", () => {
    expect(read({ "retry-after": LATER, date: NOON }, 0)).toBe(30_000);
  });

  test("as a date is compared with this machine's clock if the answer has no date", () => {
    expect(read({ "retry-after": LATER }, Date.parse(NOON))).toBe(30_000);
  });

  test("in the past is no wait", () => {
    expect(read({ "retry-after": NOON, date: LATER })).toBe(0);
  });

  test.each(["", "soon", "-1"])("of %j is ignored", (text) => {
    expect(read({ "retry-after": text })).toBeNull();
  });

  test("is null without the header", () => {
    expect(read({})).toBeNull();
  });
});
