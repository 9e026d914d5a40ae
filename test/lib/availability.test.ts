import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Availability } from "../../src/lib/availability.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Availability", () => {
  it("has the last failure until the source answers", () => {
    const availability = new Availability();
    expect(availability.failure).toBeNull();
    availability.recordFailure("first");
    availability.recordFailure("second");
    expect(availability.failure?.error).toBe("second");
    availability.recordSuccess();
    expect(availability.failure).toBeNull();
  });

  it("forgets a failure after 15 s, and if the clock was set back", () => {
    const availability = new Availability();
    availability.recordFailure("old");
    vi.advanceTimersByTime(14_999);
    expect(availability.failure?.error).toBe("old");
    vi.advanceTimersByTime(1);
    expect(availability.failure).toBeNull();
    availability.recordFailure("later");
    vi.setSystemTime(Date.now() - 1);
    expect(availability.failure).toBeNull();
  });
});
