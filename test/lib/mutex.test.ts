import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Mutex } from "../../src/lib/mutex.ts";
import { sleep } from "../../src/lib/time.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Mutex", () => {
  it("runs one piece of work at a time, in the order of the calls", async () => {
    const mutex = new Mutex({ maxWaitMs: 10_000 });
    const events: string[] = [];
    const createWork = (name: string, ms: number) => async () => {
      events.push(`${name} starts`);
      await sleep(ms);
      events.push(`${name} ends`);
      return name;
    };
    const results = Promise.all([
      mutex.run(createWork("a", 30)),
      mutex.run(createWork("b", 10)),
      mutex.run(createWork("c", 20)),
    ]);
    await vi.advanceTimersByTimeAsync(60);
    expect(await results).toEqual(["a", "b", "c"]);
    expect(events).toEqual(["a starts", "a ends", "b starts", "b ends", "c starts", "c ends"]);
  });

  it("is free again after work that failed", async () => {
    const mutex = new Mutex({ maxWaitMs: 10_000 });
    const failed = mutex.run(() => Promise.reject(new Error("broken")));
    const next = mutex.run(async () => "next");
    await expect(failed).rejects.toThrow("broken");
    await vi.advanceTimersByTimeAsync(1);
    expect(await next).toBe("next");
  });

  it("does not wait longer than its limit for work that never ends, and later calls do not wait for it", async () => {
    const mutex = new Mutex({ maxWaitMs: 10_000 });
    void mutex.run(() => new Promise(() => {}));
    const second = vi.fn(async () => {});
    void mutex.run(second);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(second).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(second).toHaveBeenCalledTimes(1);
    const third = vi.fn(async () => {});
    void mutex.run(third);
    await vi.advanceTimersByTimeAsync(0);
    expect(third).toHaveBeenCalledTimes(1);
  });
});
