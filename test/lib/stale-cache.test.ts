import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Availability } from "../../src/lib/availability.ts";
import { evictOldest, StaleCache } from "../../src/lib/stale-cache.ts";
import { sleep } from "../../src/lib/time.ts";
import { TimeoutError } from "../../src/lib/timeout.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const background = { waitUntil: () => {} };

interface TestCacheOptions {
  maxStaleMs?: number;
  absentMs?: number;
  maxEntries?: number;
  availability?: Availability;
}

/** A cache, and a source with one value for all keys that can be slow or fail. */
function createCache(options: TestCacheOptions = {}) {
  const cache = new StaleCache<string>({ freshMs: 5_000, backgroundMs: 15_000, maxEntries: 100, ...options });
  const source = { value: "first" as string | null, delayMs: 0, error: null as Error | null };
  const read = vi.fn(async () => {
    const { value, error, delayMs } = source;
    await sleep(delayMs);
    if (error !== null) throw error;
    return value;
  });
  const onReadFailure = vi.fn<(error: unknown) => void>();
  const getOptions = { background, read, onReadFailure, maxWaitMs: 2_000 };
  /** Gets a key and lets time pass until the answer is there. */
  const get = async (key = "key", findSubstitute?: () => Promise<string | null>) => {
    const start = Date.now();
    const result = cache.get(key, { ...getOptions, ...(findSubstitute && { findSubstitute }) });
    let settled = false;
    const settle = () => {
      settled = true;
    };
    void result.then(settle, settle);
    // Without time, as long as the answer needs none.
    for (let i = 0; i < 10; i++) await vi.advanceTimersByTimeAsync(0);
    while (!settled) await vi.advanceTimersByTimeAsync(1);
    return { value: await result, ms: Date.now() - start };
  };
  return { cache, source, read, onReadFailure, getOptions, get };
}

describe("StaleCache", () => {
  it("reads a value once while it is fresh", async () => {
    const { source, read, get } = createCache();
    expect((await get()).value).toBe("first");
    source.value = "second";
    await vi.advanceTimersByTimeAsync(4_999);
    expect((await get()).value).toBe("first");
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("returns a value of 5 to 15 s at once, and reads it again once in the background", async () => {
    const { source, read, get, onReadFailure } = createCache();
    await get();
    Object.assign(source, { value: "second", delayMs: 300 });
    await vi.advanceTimersByTimeAsync(5_000);
    for (let i = 0; i < 3; i++) expect(await get()).toEqual({ value: "first", ms: 0 });
    expect(read).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(300);
    expect(await get()).toEqual({ value: "second", ms: 0 });
    expect(read).toHaveBeenCalledTimes(2);
    expect(onReadFailure).not.toHaveBeenCalled();
  });

  it("notices a change within 15 s, however rarely it is asked", async () => {
    for (const pauseMs of [1, 700, 4_999, 5_000, 7_400, 14_999, 15_000, 60_000]) {
      const { source, get } = createCache();
      source.delayMs = 300;
      await get();
      source.value = "second";
      const changedAt = Date.now();
      let value: string | null = "first";
      while (value === "first") {
        await vi.advanceTimersByTimeAsync(pauseMs);
        const askedAt = Date.now();
        ({ value } = await get());
        if (value === "first") expect(askedAt - changedAt).toBeLessThan(15_000);
      }
    }
  });

  it("never waits for a source that is 300 ms away while it is asked every second", async () => {
    const { source, get, read } = createCache();
    source.delayMs = 300;
    await get();
    for (let second = 0; second < 60; second++) {
      await vi.advanceTimersByTimeAsync(1_000);
      expect((await get()).ms).toBe(0);
    }
    expect(read.mock.calls.length).toBe(13);
  });

  it("waits for a value that is older than 15 s", async () => {
    const { source, get } = createCache();
    await get();
    Object.assign(source, { value: "second", delayMs: 300 });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await get()).toEqual({ value: "second", ms: 300 });
  });

  it("reads every value again after expireAll, and ignores a read from before it", async () => {
    const { cache, source, get, getOptions } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(5_000);
    source.delayMs = 300;
    void cache.get("key", getOptions);
    Object.assign(source, { value: "second", delayMs: 100 });
    cache.expireAll();
    expect(await get()).toEqual({ value: "second", ms: 100 });
    await vi.advanceTimersByTimeAsync(300);
    expect(await get()).toEqual({ value: "second", ms: 0 });
  });

  it("returns the stale value when the source fails, and reports the error", async () => {
    const { source, onReadFailure, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(60_000);
    source.error = new Error("the registry is down");
    expect((await get()).value).toBe("first");
    expect(onReadFailure).toHaveBeenCalledExactlyOnceWith(source.error);
  });

  it("reports the error in the background, too", async () => {
    const { source, onReadFailure, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(6_000);
    source.error = new Error("down");
    await get();
    expect(onReadFailure).not.toHaveBeenCalled();
    await get();
    expect(onReadFailure).toHaveBeenCalledExactlyOnceWith(source.error);
  });

  it("does not wait for a source that has failed, and asks it again once a second", async () => {
    const { source, read, onReadFailure, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(20_000);
    source.error = new Error("down");
    await get();
    source.delayMs = 800;
    const readsBefore = read.mock.calls.length;
    for (let i = 0; i < 50; i++) {
      await vi.advanceTimersByTimeAsync(100);
      expect(await get()).toEqual({ value: "first", ms: 0 });
    }
    expect(read.mock.calls.length - readsBefore).toBe(5);
    expect(onReadFailure).toHaveBeenCalledTimes(51);
  });

  it("waits 1 s for a source that does not answer, and not again after that", async () => {
    const { source, onReadFailure, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(20_000);
    Object.assign(source, { value: "second", delayMs: 1e9 });
    expect(await get()).toEqual({ value: "first", ms: 1_000 });
    expect(onReadFailure).toHaveBeenCalledExactlyOnceWith(new TimeoutError(1_000));
    for (let i = 0; i < 30; i++) {
      expect(await get()).toEqual({ value: "first", ms: 0 });
      await vi.advanceTimersByTimeAsync(2_000);
    }
    source.delayMs = 10;
    await get();
    await vi.advanceTimersByTimeAsync(10);
    expect((await get()).value).toBe("second");
  });

  it("never waits for a source that stops to answer while it is asked every second", async () => {
    const { source, get } = createCache();
    await get();
    source.delayMs = 1e9;
    for (let second = 0; second < 60; second++) {
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await get()).toEqual({ value: "first", ms: 0 });
    }
  });

  it("waits again if nobody has asked for 15 s since the failure", async () => {
    const { source, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(20_000);
    source.error = new Error("down");
    await get();
    Object.assign(source, { error: null, value: "second", delayMs: 300 });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await get()).toEqual({ value: "second", ms: 300 });
  });

  it("stores an answer that comes after its caller stopped waiting", async () => {
    const { source, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(15_000);
    Object.assign(source, { value: "second", delayMs: 1_900 });
    expect((await get()).value).toBe("first");
    await vi.advanceTimersByTimeAsync(900);
    expect(await get()).toEqual({ value: "second", ms: 0 });
  });

  it("starts a read again after 2 s, and ignores the first one if it ends after the second one", async () => {
    const { source, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(6_000);
    Object.assign(source, { value: "outdated", delayMs: 4_000 });
    await get();
    await vi.advanceTimersByTimeAsync(2_000);
    Object.assign(source, { value: "second", delayMs: 100 });
    await get();
    await vi.advanceTimersByTimeAsync(100);
    expect((await get()).value).toBe("second");
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await get()).value).toBe("second");
  });

  it("throws when there is no value: the source's error, or a timeout after the time of the call", async () => {
    const { source, get } = createCache();
    source.error = new Error("down");
    await expect(get()).rejects.toThrow("down");
    Object.assign(source, { error: null, delayMs: 20_000 });
    const start = Date.now();
    await expect(get("other")).rejects.toThrow(TimeoutError);
    expect(Date.now() - start).toBe(2_000);
  });

  it("throws when the stale value is too old", async () => {
    const { source, get } = createCache({ maxStaleMs: 60_000 });
    await get();
    source.error = new Error("down");
    await vi.advanceTimersByTimeAsync(50_000);
    expect((await get()).value).toBe("first");
    await vi.advanceTimersByTimeAsync(10_100);
    await expect(get()).rejects.toThrow("down");
  });

  it("waits for the value without a stale one, even if the source has failed", async () => {
    const { source, get } = createCache();
    source.error = new Error("down");
    await expect(get()).rejects.toThrow("down");
    Object.assign(source, { error: null, delayMs: 1_500 });
    expect(await get()).toEqual({ value: "first", ms: 1_500 });
  });

  describe("with a substitute", () => {
    const findSubstitute = async () => "substitute";

    it("returns it after 1 s, and then at once until the source answers", async () => {
      const { source, read, onReadFailure, get } = createCache();
      source.delayMs = 1e9;
      expect(await get("key", findSubstitute)).toEqual({ value: "substitute", ms: 1_000 });
      expect(await get("key", findSubstitute)).toEqual({ value: "substitute", ms: 0 });
      expect(onReadFailure).toHaveBeenCalledTimes(2);
      await vi.advanceTimersByTimeAsync(2_000);
      source.delayMs = 10;
      expect((await get("key", findSubstitute)).value).toBe("substitute");
      await vi.advanceTimersByTimeAsync(10);
      expect(await get("key", findSubstitute)).toEqual({ value: "first", ms: 0 });
      expect(read.mock.calls.length).toBeLessThanOrEqual(3);
    });

    it("returns it at once for another key of a source that has failed, also of another cache", async () => {
      const availability = new Availability();
      const [keys, aliases] = [createCache({ availability }), createCache({ availability })];
      for (const { source } of [keys, aliases]) source.error = new Error("down");
      await keys.get("key", findSubstitute);
      aliases.source.delayMs = 800;
      expect(await aliases.get("alias", findSubstitute)).toEqual({ value: "substitute", ms: 0 });
    });

    it("asks the source if it has none, and throws the error of the source", async () => {
      const { source, get } = createCache();
      source.error = new Error("down");
      for (let i = 0; i < 2; i++) await expect(get("key", async () => null)).rejects.toThrow("down");
      Object.assign(source, { error: null, delayMs: 1_500 });
      expect(await get("key", async () => null)).toEqual({ value: "first", ms: 1_500 });
    });

    it("prefers a stale value to it", async () => {
      const { source, get } = createCache({ maxStaleMs: 60_000 });
      await get();
      await vi.advanceTimersByTimeAsync(60_000);
      source.error = new Error("down");
      expect((await get("key", findSubstitute)).value).toBe("first");
      await vi.advanceTimersByTimeAsync(1);
      expect((await get("key", findSubstitute)).value).toBe("substitute");
    });
  });

  it("reads once for overlapping calls", async () => {
    const { cache, source, read, getOptions } = createCache();
    source.delayMs = 100;
    const results = Promise.all([1, 2, 3].map(() => cache.get("key", getOptions)));
    await vi.advanceTimersByTimeAsync(100);
    expect(await results).toEqual(["first", "first", "first"]);
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("remembers for a while that a key has no value, if it has an option for that", async () => {
    const shortLived = createCache();
    shortLived.source.value = null;
    for (let i = 0; i < 2; i++) expect((await shortLived.get()).value).toBeNull();
    expect(shortLived.read).toHaveBeenCalledTimes(2);

    const { cache, source, read, get } = createCache({ absentMs: 10_000 });
    source.value = null;
    for (let i = 0; i < 2; i++) expect((await get()).value).toBeNull();
    expect(read).toHaveBeenCalledTimes(1);
    expect(cache.canAnswer("key")).toBe(true);
    source.value = "created";
    await vi.advanceTimersByTimeAsync(10_000);
    expect(cache.canAnswer("key")).toBe(false);
    expect((await get()).value).toBe("created");
  });

  it("removes a value that the source no longer has", async () => {
    const { cache, source, get } = createCache();
    await get();
    source.value = null;
    await vi.advanceTimersByTimeAsync(15_000);
    expect((await get()).value).toBeNull();
    expect(cache.canAnswer("key")).toBe(false);
  });

  it("keeps no more entries than allowed; absent keys evict no values", async () => {
    const { cache, source, get } = createCache({ maxEntries: 2, absentMs: 10_000 });
    for (const key of ["a", "b", "c"]) await get(key);
    expect(["a", "b", "c"].filter((key) => cache.canAnswer(key))).toEqual(["b", "c"]);
    source.value = null;
    for (const key of ["x", "y", "z"]) await get(key);
    expect(["b", "c", "x", "y", "z"].filter((key) => cache.canAnswer(key))).toEqual(["b", "c", "y", "z"]);
  });
});

describe("evictOldest", () => {
  it("deletes the first entry of a map that is too large", () => {
    const entries = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    evictOldest(entries, 2);
    expect([...entries.keys()]).toEqual(["a", "b"]);
    evictOldest(entries, 1);
    expect([...entries.keys()]).toEqual(["b"]);
  });
});
