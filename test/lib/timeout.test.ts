import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TimeoutError, waitAtMost, withTimeout } from "../../src/lib/timeout.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const waitForever = <T>() => new Promise<T>(() => {});
const resolveAfter = <T>(ms: number, value: T) =>
  new Promise<T>((resolve) => setTimeout(() => resolve(value), ms));

describe("withTimeout", () => {
  it("returns the result of work that ends in time", async () => {
    const result = withTimeout(100, resolveAfter(99, "done"));
    await vi.advanceTimersByTimeAsync(99);
    expect(await result).toBe("done");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("throws when the time is over, not before", async () => {
    let error: unknown;
    void withTimeout(100, waitForever()).catch((caught) => {
      error = caught;
    });
    await vi.advanceTimersByTimeAsync(99);
    expect(error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(error).toEqual(new TimeoutError(100));
    expect(error).toHaveProperty("message", "no answer within 100 ms");
  });

  it("throws the error of the work, and stops its timer", async () => {
    const work = Promise.reject(new Error("broken"));
    await expect(withTimeout(100, work)).rejects.toThrow("broken");
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("waitAtMost", () => {
  /** Whether a wait of at most 100 ms is over after some milliseconds. */
  async function isOver(event: Promise<void>, ms: number): Promise<boolean> {
    let over = false;
    void waitAtMost(100, event).then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(ms);
    return over;
  }

  it("ends with the event, and stops its timer", async () => {
    expect(await isOver(resolveAfter(20, undefined), 19)).toBe(false);
    expect(await isOver(resolveAfter(20, undefined), 20)).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends without an error when the time is over", async () => {
    expect(await isOver(waitForever(), 99)).toBe(false);
    expect(await isOver(waitForever(), 100)).toBe(true);
  });
});
