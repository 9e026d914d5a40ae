import type { Background } from "./background.ts";
import { SingleFlight } from "./single-flight.ts";
import { ageMs } from "./time.ts";
import { withTimeout } from "./timeout.ts";

/** After a failed read, the stale value is returned without a new attempt for this time. */
const RETRY_AFTER_MS = 1_000;
/** How long a caller waits for a read: shorter when a stale value can be returned instead. */
const READ_TIMEOUT_MS = { withStaleValue: 1_000, withoutValue: 10_000 };

interface Entry<Value> {
  readonly value: Value;
  readonly readAt: number;
  /** The value is returned without a read until `freshMs` after `checkedAt`. */
  checkedAt: number;
  freshMs: number;
}

interface StaleCacheOptions {
  /** How long a value is returned without a read. A change at the source is noticed after this time. */
  readonly freshMs: number;
  /** The greatest age of a value that is returned after a failed read; no limit by default. */
  readonly maxStaleMs?: number;
  /** How long the absence of a value is remembered; not at all by default. */
  readonly absentMs?: number;
  readonly maxEntries: number;
}

/**
 * A cache that returns a stale value when the source fails or does not answer in time (stale-if-error). A
 * value that is read after its caller stopped waiting is still stored, so a slow source also replaces stale
 * values.
 */
export class StaleCache<Value> {
  readonly #freshMs: number;
  readonly #maxStaleMs: number;
  readonly #absentMs: number;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, Entry<Value>>();
  /**
   * Keys without a value at the source, with the time of the read. They have a separate map, because requests
   * for many unknown keys must not evict values.
   */
  readonly #absentSince = new Map<string, number>();
  readonly #reads = new SingleFlight<Value | null>();

  constructor(options: StaleCacheOptions) {
    this.#freshMs = options.freshMs;
    this.#maxStaleMs = options.maxStaleMs ?? Number.POSITIVE_INFINITY;
    this.#absentMs = options.absentMs ?? 0;
    this.#maxEntries = options.maxEntries;
  }

  /** Whether the key can be answered from the cache if a read fails. */
  canAnswer(key: string): boolean {
    return this.#entries.has(key) || this.#isKnownAbsent(key);
  }

  /**
   * Returns the value of a key, from the cache or through `read`; null when the source has none.
   * @param onReadFailure receives the error of a failed read when a stale value is returned
   * @throws what `read` threw, or TimeoutError, when there is no value that may be returned instead
   */
  async get(
    key: string,
    background: Background,
    read: () => Promise<Value | null>,
    onReadFailure: (error: unknown) => void,
  ): Promise<Value | null> {
    const cached = this.#entries.get(key);
    if (cached !== undefined && ageMs(cached.checkedAt) < cached.freshMs) return cached.value;
    if (cached === undefined && this.#isKnownAbsent(key)) return null;
    try {
      const reading = this.#reads.run(key, background, async () => {
        const readAt = Date.now();
        const value = await read();
        this.#store(key, value, readAt);
        return value;
      });
      return await withTimeout(
        cached ? READ_TIMEOUT_MS.withStaleValue : READ_TIMEOUT_MS.withoutValue,
        reading,
      );
    } catch (error) {
      if (cached === undefined || ageMs(cached.readAt) > this.#maxStaleMs) throw error;
      cached.checkedAt = Date.now();
      cached.freshMs = RETRY_AFTER_MS;
      onReadFailure(error);
      return cached.value;
    }
  }

  /** Marks every value as stale: the next call for each key reads it again. */
  expireAll(): void {
    for (const entry of this.#entries.values()) entry.freshMs = 0;
  }

  #isKnownAbsent(key: string): boolean {
    const since = this.#absentSince.get(key);
    return since !== undefined && ageMs(since) < this.#absentMs;
  }

  #store(key: string, value: Value | null, readAt: number): void {
    this.#entries.delete(key);
    this.#absentSince.delete(key);
    if (value !== null) {
      this.#entries.set(key, { value, readAt, checkedAt: readAt, freshMs: this.#freshMs });
      evictOldest(this.#entries, this.#maxEntries);
    } else if (this.#absentMs > 0) {
      this.#absentSince.set(key, readAt);
      evictOldest(this.#absentSince, this.#maxEntries);
    }
  }
}

/** Deletes the oldest entry of a map that has more entries than allowed. */
export function evictOldest(entries: Map<string, unknown>, maxEntries: number): void {
  if (entries.size <= maxEntries) return;
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}
