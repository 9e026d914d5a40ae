import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isIsoDate, parseIsoTime } from "../../../src/lib/input/iso-time.ts";

describe("parseIsoTime", () => {
  it.each([
    ["2026-11-25", "2026-11-25T00:00:00.000Z"],
    ["20261125", "2026-11-25T00:00:00.000Z"],
    ["2026-W48-3", "2026-11-25T00:00:00.000Z"],
    ["2026W483", "2026-11-25T00:00:00.000Z"],
    ["2026-329", "2026-11-25T00:00:00.000Z"],
    ["2026-11-25T22:00:00", "2026-11-25T22:00:00.000Z"],
    ["2026-11-25T22:00", "2026-11-25T22:00:00.000Z"],
    ["2026-11-25 22:00", "2026-11-25T22:00:00.000Z"],
    ["2026-11-25T22:00Z", "2026-11-25T22:00:00.000Z"],
    ["2026-11-25t22:00:00z", "2026-11-25T22:00:00.000Z"],
    ["2026-11-25T22:00:00.5Z", "2026-11-25T22:00:00.500Z"],
    ["2026-11-25T22:00:00,5Z", "2026-11-25T22:00:00.500Z"],
    ["2026-11-25T22:00:00.123456Z", "2026-11-25T22:00:00.123Z"],
    ["20261125T220000Z", "2026-11-25T22:00:00.000Z"],
    ["2026-11-25T24:00:00Z", "2026-11-26T00:00:00.000Z"],
    ["2026-11-25T22:00:00+01:00", "2026-11-25T21:00:00.000Z"],
    ["2026-11-25T22:00:00+0100", "2026-11-25T21:00:00.000Z"],
    ["2026-11-25T22:00:00+01", "2026-11-25T21:00:00.000Z"],
    ["2026-11-25T22:00:00 01:00", "2026-11-25T21:00:00.000Z"],
    ["2026-11-25T22:00 0100", "2026-11-25T21:00:00.000Z"],
    ["2026-11-25T22:00:00-05:30", "2026-11-26T03:30:00.000Z"],
    [" 2026-11-25T22:00:00Z ", "2026-11-25T22:00:00.000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
  ])("reads %s", (text, expected) => {
    expect(new Date(parseIsoTime(text) ?? Number.NaN).toISOString()).toBe(expected);
  });

  it.each([
    "",
    " ",
    "0",
    "20",
    "2026",
    "2026-11",
    "2026-W48",
    "2026-02-30",
    "2025-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-11-25T",
    "2026-11-25T25:00",
    "2026-11-25T22:60",
    "2026-11-25T22:00:61",
    "2026-11-25T22:00:00+99:00",
    "2026-11-25T22",
    "25.11.2026",
    "11/25/2026",
    "Nov 25 2026",
    "yesterday",
    "1764108000",
    "2026-11-25T22:00:00 GMT",
    "2026-11-25T22:00:00Zz",
  ])("rejects %j", (text) => {
    expect(parseIsoTime(text)).toBeNull();
  });

  it("reads every time that JavaScript writes, whatever the time zone of the machine", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }), (date) => {
        const text = date.toISOString();
        expect(parseIsoTime(text)).toBe(date.getTime());
        expect(parseIsoTime(text.slice(0, -1))).toBe(date.getTime());
        expect(parseIsoTime(text.slice(0, 10))).toBe(Date.parse(text.slice(0, 10)));
      }),
    );
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseIsoTime(text)));
  });
});

describe("isIsoDate", () => {
  it.each([
    ["2026-11-25", true],
    ["2026-W48-3", true],
    ["2026-11-25T22:00Z", false],
    ["2026-11-25 22:00", false],
    ["2026-02-30", false],
  ])("%s: %s", (text, expected) => {
    expect(isIsoDate(text)).toBe(expected);
  });
});
