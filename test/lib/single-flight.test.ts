import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SingleFlight } from "../../src/lib/single-flight.ts";
import { sleep } from "../../src/lib/time.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Creates work that takes 100 ms and returns how often it was started. */
function createCountedWork() {
  let starts = 0;
  return vi.fn(async () => {
    const result = ++starts;
    await sleep(100);
    return result;
  });
}

const createBackground = () => ({ waitUntil: vi.fn<(work: Promise<unknown>) => void>() });

describe("SingleFlight", () => {
  it("runs work once for overlapping calls, and again for a later one", async () => {
    const flight = new SingleFlight<number>();
    const work = createCountedWork();
    const overlapping = Promise.all([
      flight.run("key", createBackground(), work),
      flight.run("key", createBackground(), work),
    ]);
    await vi.advanceTimersByTimeAsync(100);
    expect(await overlapping).toEqual([1, 1]);
    const later = flight.run("key", createBackground(), work);
    await vi.advanceTimersByTimeAsync(100);
    expect(await later).toBe(2);
  });

  it("runs the work of different keys at the same time", async () => {
    const flight = new SingleFlight<number>();
    const work = createCountedWork();
    const both = Promise.all([
      flight.run("a", createBackground(), work),
      flight.run("b", createBackground(), work),
    ]);
    await vi.advanceTimersByTimeAsync(100);
    expect(await both).toEqual([1, 2]);
  });

  it("gives the error to all callers, and runs the work again after it", async () => {
    const flight = new SingleFlight<number>();
    const fail = async () => {
      await sleep(100);
      throw new Error("broken");
    };
    const results = Promise.allSettled([
      flight.run("key", createBackground(), fail),
      flight.run("key", createBackground(), fail),
    ]);
    await vi.advanceTimersByTimeAsync(100);
    expect((await results).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await flight.run("key", createBackground(), async () => 7)).toBe(7);
  });

  it("keeps only the request alive that started the work, until the work has ended", async () => {
    const flight = new SingleFlight<number>();
    const [first, second] = [createBackground(), createBackground()];
    void flight.run("key", first, createCountedWork());
    void flight.run("key", second, createCountedWork());
    expect(first.waitUntil).toHaveBeenCalledTimes(1);
    expect(second.waitUntil).not.toHaveBeenCalled();
    let ended = false;
    void first.waitUntil.mock.calls[0]?.[0].then(() => {
      ended = true;
    });
    await vi.advanceTimersByTimeAsync(99);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toBe(true);
  });

  it("starts again after 15 s, because the first request was probably cut off", async () => {
    const flight = new SingleFlight<number>();
    const first = Promise.withResolvers<number>();
    void flight.run("key", createBackground(), () => first.promise);
    await vi.advanceTimersByTimeAsync(14_999);
    const replacement = Promise.withResolvers<number>();
    const work = vi.fn(() => replacement.promise);
    void flight.run("key", createBackground(), work);
    expect(work).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    const result = flight.run("key", createBackground(), work);
    expect(work).toHaveBeenCalledTimes(1);
    // The first work ends after all: it must not remove the work that replaced it.
    first.resolve(1);
    await vi.advanceTimersByTimeAsync(0);
    void flight.run("key", createBackground(), work);
    expect(work).toHaveBeenCalledTimes(1);
    replacement.resolve(2);
    expect(await result).toBe(2);
  });
});
