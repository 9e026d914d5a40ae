import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestTimer, TimeoutError } from "../../src/lib/timeout.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new Promise<never>(() => {});

describe("withTimeout", () => {
  it("returns the result of the work, or its error", async () => {
    const timer = new RequestTimer();
    expect(await timer.withTimeout(5_000, Promise.resolve("done"))).toBe("done");
    await expect(timer.withTimeout(5_000, Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  });

  it("fails between the limit and a second later", async () => {
    const result = new RequestTimer().withTimeout(2_500, never).catch((error: unknown) => error);
    let isEnded = false;
    void result.then(() => {
      isEnded = true;
    });
    await vi.advanceTimersByTimeAsync(2_499);
    expect(isEnded).toBe(false);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(await result).toEqual(new TimeoutError(2_500));
  });
});

describe("waitAtMost", () => {
  it("ends with the event, also if it fails", async () => {
    const startedAt = Date.now();
    await new RequestTimer().waitAtMost(5_000, Promise.resolve());
    await new RequestTimer().waitAtMost(5_000, Promise.reject(new Error("broken")));
    expect(Date.now()).toBe(startedAt);
  });

  it("ends without the event between the limit and a second later", async () => {
    const startedAt = Date.now();
    const waiting = new RequestTimer().waitAtMost(1_500, never);
    await vi.advanceTimersByTimeAsync(2_500);
    await waiting;
    expect(Date.now() - startedAt).toBe(2_500);
  });
});

it("has one timer for all its waits, and none when no wait is left", async () => {
  const timer = new RequestTimer();
  const first = timer.waitAtMost(1_000, never);
  const second = timer.withTimeout(3_000, never).catch(() => "timeout");
  await timer.withTimeout(9_000, Promise.resolve());
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1_000);
  await first;
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await second).toBe("timeout");
  expect(vi.getTimerCount()).toBe(0);
  await timer.withTimeout(1_000, Promise.resolve());
  expect(vi.getTimerCount()).toBe(1);
});
