import { afterEach, describe, expect, it, vi } from "vitest";
import { ageMs, DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/lib/time.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("ageMs", () => {
  it("is the time since then", () => {
    vi.useFakeTimers({ now: 10_000 });
    expect(ageMs(9_000)).toBe(1_000);
    expect(ageMs(10_000)).toBe(0);
  });

  it("is infinite if the clock was set back since then", () => {
    vi.useFakeTimers({ now: 10_000 });
    expect(ageMs(10_001)).toBe(Number.POSITIVE_INFINITY);
  });
});

it("a day is the difference of two dates", () => {
  expect(Date.UTC(2026, 0, 2) - Date.UTC(2026, 0, 1)).toBe(DAY_MS);
  expect(Date.UTC(2026, 0, 1, 1) - Date.UTC(2026, 0, 1)).toBe(HOUR_MS);
  expect(Date.UTC(2026, 0, 1, 0, 1) - Date.UTC(2026, 0, 1)).toBe(MINUTE_MS);
});
