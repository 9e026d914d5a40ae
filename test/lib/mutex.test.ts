import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Mutex, MutexBusyError } from "../../src/lib/mutex.ts";
import { sleep } from "../../src/lib/time.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const createMutex = (onLost?: () => void) =>
  new Mutex({ maxWaitMs: 10_000, lostAfterMs: 60_000, ...(onLost && { onLost }) });
const neverEnd = () => new Promise<never>(() => {});
/** Settles at once, so that a refusal is not an unhandled rejection. */
const catchError = (work: Promise<unknown>) => work.catch((error: unknown) => error);

describe("Mutex", () => {
  it("runs one piece of work at a time, in the order of the calls", async () => {
    const mutex = createMutex();
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

  it("starts free work at once and sets no timer for it", async () => {
    const mutex = createMutex();
    const work = vi.fn(neverEnd);
    void mutex.run(work);
    expect(work).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps the order of the waiting calls when other calls come while work ends", async () => {
    const mutex = createMutex();
    const events: number[] = [];
    const runs: Promise<void>[] = [];
    const createWork = (i: number) => async () => {
      events.push(i);
      await Promise.resolve();
      if (i < 5) runs.push(mutex.run(createWork(i + 10)));
    };
    for (let i = 0; i < 10; i++) runs.push(mutex.run(createWork(i)));
    for (let i = 0; i < runs.length; i++) await runs[i];
    expect(events).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is free again after work that failed, also if it throws at once", async () => {
    const mutex = createMutex();
    const failed = mutex.run(() => Promise.reject(new Error("broken")));
    const thrown = mutex.run(() => {
      throw new Error("broken at once");
    });
    const next = mutex.run(async () => "next");
    await expect(failed).rejects.toThrow("broken");
    await expect(thrown).rejects.toThrow("broken at once");
    expect(await next).toBe("next");
    expect(await mutex.run(async () => "free")).toBe("free");
  });

  it("refuses a call that waits too long, and never starts its work", async () => {
    const mutex = createMutex();
    void mutex.run(neverEnd);
    const work = vi.fn(async () => {});
    const result = catchError(mutex.run(work));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await result).toBeInstanceOf(MutexBusyError);
    // The next calls do not wait again.
    expect(await catchError(mutex.run(work))).toBeInstanceOf(MutexBusyError);
    await vi.advanceTimersByTimeAsync(49_999);
    expect(work).not.toHaveBeenCalled();
  });

  it("counts work as lost after its limit, and says so before other work starts", async () => {
    const events: string[] = [];
    const mutex = createMutex(() => events.push("lost"));
    void mutex.run(neverEnd);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(await catchError(mutex.run(async () => {}))).toBeInstanceOf(MutexBusyError);
    await vi.advanceTimersByTimeAsync(1);
    await mutex.run(async () => {
      events.push("next");
    });
    expect(events).toEqual(["lost", "next"]);
  });

  it("is not released by work that counted as lost and ends after all", async () => {
    const mutex = createMutex();
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = mutex.run(() => promise);
    await vi.advanceTimersByTimeAsync(60_000);
    void mutex.run(neverEnd);
    resolve();
    await late;
    const work = vi.fn(async () => {});
    void catchError(mutex.run(work));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(work).not.toHaveBeenCalled();
  });

  it("does not count work as lost because the clock was set back or the call before it was long ago", async () => {
    const onLost = vi.fn();
    const mutex = createMutex(onLost);
    await mutex.run(async () => {});
    vi.setSystemTime(Date.now() + 3_600_000);
    void mutex.run(neverEnd);
    vi.setSystemTime(Date.now() - 7_200_000);
    const work = vi.fn(async () => {});
    void catchError(mutex.run(work));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(work).not.toHaveBeenCalled();
    expect(onLost).not.toHaveBeenCalled();
  });
});
