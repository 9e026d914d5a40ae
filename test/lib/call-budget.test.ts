import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CallBudget } from "../../src/lib/call-budget.ts";
import { TimeoutError } from "../../src/lib/timeout.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("CallBudget", () => {
  it("subtracts the calls of each piece of work, and returns its result", async () => {
    const budget = new CallBudget({ calls: 10, ms: 1_000 });
    expect(budget.remaining).toBe(10);
    expect(await budget.call(async () => "one")).toBe("one");
    expect(budget.remaining).toBe(9);
    await budget.call(async () => {}, 4);
    expect(budget.remaining).toBe(5);
  });

  it("subtracts failed calls too", async () => {
    const budget = new CallBudget({ calls: 10, ms: 1_000 });
    await expect(budget.call(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(budget.remaining).toBe(9);
  });

  it("never has fewer than 0 calls", async () => {
    const budget = new CallBudget({ calls: 1, ms: 1_000 });
    await budget.call(async () => {}, 3);
    expect(budget.remaining).toBe(0);
  });

  it("has no calls when the time is over", () => {
    const budget = new CallBudget({ calls: 10, ms: 1_000 });
    vi.advanceTimersByTime(999);
    expect(budget.remaining).toBe(10);
    vi.advanceTimersByTime(1);
    expect(budget.remaining).toBe(0);
  });

  it.each([
    [{}, 25_000],
    [{ callTimeoutMs: 300 }, 300],
  ])("ends a call with the options %o after %i ms", async (options, timeoutMs) => {
    const budget = new CallBudget({ calls: 10, ms: 60_000, ...options });
    let error: unknown;
    void budget
      .call(() => new Promise(() => {}))
      .catch((caught) => {
        error = caught;
      });
    await vi.advanceTimersByTimeAsync(timeoutMs - 1);
    expect(error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(error).toEqual(new TimeoutError(timeoutMs));
  });
});
