import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
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

/** A cache, and a source with one value for all keys that can be slow or fail. */
function createCache(options: { maxStaleMs?: number; absentMs?: number; maxEntries?: number } = {}) {
  const cache = new StaleCache<string>({ freshMs: 5_000, maxEntries: 100, ...options });
  const source = { value: "first" as string | null, delayMs: 0, error: null as Error | null };
  const read = vi.fn(async () => {
    await sleep(source.delayMs);
    if (source.error !== null) throw source.error;
    return source.value;
  });
  const onReadFailure = vi.fn<(error: unknown) => void>();
  /** Gets a key and lets time pass until the answer is there. */
  const get = async (key = "key") => {
    const start = Date.now();
    const result = cache.get(key, background, read, onReadFailure);
    let settled = false;
    void result.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    do await vi.advanceTimersByTimeAsync(1);
    while (!settled);
    return { value: await result, ms: Date.now() - start };
  };
  return { cache, source, read, onReadFailure, get };
}

describe("StaleCache", () => {
  it("reads a value once while it is fresh, and again afterwards", async () => {
    const { source, read, get } = createCache();
    expect((await get()).value).toBe("first");
    source.value = "second";
    await vi.advanceTimersByTimeAsync(4_000);
    expect((await get()).value).toBe("first");
    expect(read).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await get()).value).toBe("second");
    expect(read).toHaveBeenCalledTimes(2);
  });

  it("reads every value again after expireAll", async () => {
    const { cache, source, get } = createCache();
    await get();
    source.value = "second";
    cache.expireAll();
    expect((await get()).value).toBe("second");
  });

  it("returns the stale value when the source fails, and reports the error", async () => {
    const { source, onReadFailure, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(60_000);
    source.error = new Error("the registry is down");
    expect((await get()).value).toBe("first");
    expect(onReadFailure).toHaveBeenCalledExactlyOnceWith(source.error);
  });

  it("waits 1 s before it asks a failing source again", async () => {
    const { source, read, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(5_000);
    source.error = new Error("down");
    await get();
    await vi.advanceTimersByTimeAsync(900);
    await get();
    expect(read).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(100);
    await get();
    expect(read).toHaveBeenCalledTimes(3);
  });

  it("returns the stale value after 1 s of waiting, and stores the answer that comes later", async () => {
    const { source, onReadFailure, get } = createCache();
    await get();
    await vi.advanceTimersByTimeAsync(5_000);
    Object.assign(source, { value: "second", delayMs: 3_000 });
    const stale = await get();
    expect(stale.value).toBe("first");
    expect(stale.ms).toBeLessThan(1_010);
    expect(onReadFailure).toHaveBeenCalledExactlyOnceWith(new TimeoutError(1_000));
    await vi.advanceTimersByTimeAsync(2_000);
    const fresh = await get();
    expect(fresh.value).toBe("second");
    expect(fresh.ms).toBeLessThan(10);
  });

  it("throws when there is no value: the source's error, or a timeout after 10 s", async () => {
    const { source, get } = createCache();
    source.error = new Error("down");
    await expect(get()).rejects.toThrow("down");
    Object.assign(source, { error: null, delayMs: 20_000 });
    const start = Date.now();
    await expect(get()).rejects.toEqual(new TimeoutError(10_000));
    expect(Date.now() - start).toBeLessThan(10_010);
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

  it("reads once for overlapping calls", async () => {
    const { cache, source, read, onReadFailure } = createCache();
    source.delayMs = 100;
    const results = Promise.all([1, 2, 3].map(() => cache.get("key", background, read, onReadFailure)));
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
    await vi.advanceTimersByTimeAsync(5_000);
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
