import { Availability } from "./availability.ts";
import type { Background } from "./background.ts";
import { SingleFlight } from "./single-flight.ts";
import { ageMs } from "./time.ts";
import { TimeoutError, withTimeout } from "./timeout.ts";

/** How long a caller waits for a read if a stale value or a substitute can be returned instead. */
const SHORT_WAIT_MS = 1_000;
/** A read in the background is not started again for this time. */
const RETRY_AFTER_MS = 1_000;
/**
 * A read that takes longer is started again. It is longer than {@link SHORT_WAIT_MS}: a read of a request that
 * the runtime has cancelled delays the next read a little, and a slow source gets few reads at a time.
 */
const ABANDONED_AFTER_MS = 2_000;

interface Entry<Value> {
  readonly value: Value;
  /** When the read of the value was started, and its number among all reads of the cache. */
  readonly readAt: number;
  readonly readNumber: number;
}

interface StaleCacheOptions {
  /** How long a value is returned without a read. */
  readonly freshMs: number;
  /** Up to this age, a value is returned at once and read again in the background (stale-while-revalidate). */
  readonly backgroundMs: number;
  /** The greatest age of a value that is returned after a failed read (stale-if-error); no limit by default. */
  readonly maxStaleMs?: number;
  /** How long the absence of a value is remembered; not at all by default. */
  readonly absentMs?: number;
  readonly maxEntries: number;
  /** Shared by the caches of one source. */
  readonly availability?: Availability;
}

interface GetOptions<Value> {
  readonly background: Background;
  /** Reads the value at the source; null when the source has none. */
  readonly read: () => Promise<Value | null>;
  /** How long the call may take if there is neither a stale value nor a substitute. */
  readonly maxWaitMs: number;
  /** Receives the error of the source when a stale value or a substitute is returned. */
  readonly onReadFailure: (error: unknown) => void;
  /** Finds the value elsewhere if the source does not answer; null when it is not known there. */
  readonly findSubstitute?: () => Promise<Value | null>;
}

/**
 * A cache that hides a slow or failing source. A value of medium age is returned at once and read again in the
 * background. An old value is read again first, unless the source has just failed. A value that is read after
 * its caller stopped waiting is still stored, so a slow source also replaces stale values.
 */
export class StaleCache<Value> {
  readonly #options: StaleCacheOptions;
  readonly #availability: Availability;
  readonly #entries = new Map<string, Entry<Value>>();
  /**
   * Keys without a value at the source, with the time of the read. They have a separate map, because requests
   * for many unknown keys must not evict values.
   */
  readonly #absentSince = new Map<string, number>();
  /** When a read of a key was last started in the background. */
  readonly #retriedAt = new Map<string, number>();
  readonly #reads = new SingleFlight<Value | null>({ abandonedAfterMs: ABANDONED_AFTER_MS });
  #readCount = 0;
  /** Values of reads up to this number may be from before a change. */
  #lastExpiredRead = 0;

  constructor(options: StaleCacheOptions) {
    this.#options = options;
    this.#availability = options.availability ?? new Availability();
  }

  /** Whether the key can be answered from the cache if a read fails. */
  canAnswer(key: string): boolean {
    return this.#entries.has(key) || this.#isKnownAbsent(key);
  }

  /**
   * Returns the value of a key, from the cache or through `read`; null when the source has none.
   * @throws what `read` threw, or TimeoutError, when there is no value that may be returned instead
   */
  async get(key: string, options: GetOptions<Value>): Promise<Value | null> {
    const { freshMs, backgroundMs, maxStaleMs = Number.POSITIVE_INFINITY } = this.#options;
    const entry = this.#entries.get(key);
    if (entry === undefined && this.#isKnownAbsent(key)) return null;
    const isExpired = entry === undefined || entry.readNumber <= this.#lastExpiredRead;
    const age = isExpired ? Number.POSITIVE_INFINITY : ageMs(entry.readAt);
    if (entry !== undefined && age < freshMs) return entry.value;

    const { failure } = this.#availability;
    const isUsable = entry !== undefined && ageMs(entry.readAt) <= maxStaleMs;
    if (isUsable && (failure !== null || age < backgroundMs)) {
      this.#readInBackground(key, options);
      if (failure !== null) options.onReadFailure(failure.error);
      return entry.value;
    }
    if (isUsable) {
      try {
        return await withTimeout(SHORT_WAIT_MS, this.#read(key, options));
      } catch (error) {
        options.onReadFailure(error);
        return entry.value;
      }
    }
    return this.#getUncached(key, options);
  }

  /**
   * Makes the next call for each key read it again, because the caller has just changed the source: it
   * answers, and reads that are running may have read the state before the change.
   */
  expireAll(): void {
    this.#lastExpiredRead = this.#readCount;
    this.#availability.recordSuccess();
  }

  async #getUncached(key: string, options: GetOptions<Value>): Promise<Value | null> {
    const { maxWaitMs, findSubstitute, onReadFailure } = options;
    const { failure } = this.#availability;
    if (failure !== null) {
      const substitute = await findSubstitute?.();
      if (substitute != null) {
        this.#readInBackground(key, options);
        onReadFailure(failure.error);
        return substitute;
      }
    }
    const endsAt = Date.now() + maxWaitMs;
    const reading = this.#read(key, options);
    try {
      return await withTimeout(Math.min(SHORT_WAIT_MS, maxWaitMs), reading);
    } catch (error) {
      const substitute = failure === null ? await findSubstitute?.() : null;
      if (substitute != null) {
        onReadFailure(error);
        return substitute;
      }
      const remainingMs = endsAt - Date.now();
      if (!(error instanceof TimeoutError) || remainingMs <= 0) throw error;
      return withTimeout(remainingMs, reading);
    }
  }

  /** Reads a key without a caller that waits, at most once a second. */
  #readInBackground(key: string, options: GetOptions<Value>): void {
    if (ageMs(this.#retriedAt.get(key) ?? Number.NEGATIVE_INFINITY) < RETRY_AFTER_MS) return;
    this.#retriedAt.delete(key);
    this.#retriedAt.set(key, Date.now());
    evictOldest(this.#retriedAt, this.#options.maxEntries);
    this.#read(key, options).catch(() => {});
  }

  #read(key: string, { background, read }: GetOptions<Value>): Promise<Value | null> {
    return this.#reads.run(`${this.#lastExpiredRead} ${key}`, background, async () => {
      const readAt = Date.now();
      const readNumber = ++this.#readCount;
      const reading = read();
      background.waitUntil(
        withTimeout(SHORT_WAIT_MS, reading).catch((error) => this.#availability.recordFailure(error)),
      );
      const value = await reading;
      this.#availability.recordSuccess();
      this.#store(key, value, { readAt, readNumber });
      return value;
    });
  }

  #isKnownAbsent(key: string): boolean {
    const { absentMs = 0 } = this.#options;
    const since = this.#absentSince.get(key);
    return since !== undefined && ageMs(since) < absentMs;
  }

  #store(key: string, value: Value | null, { readAt, readNumber }: Omit<Entry<Value>, "value">): void {
    const { absentMs = 0, maxEntries } = this.#options;
    // A later read may have ended before this one.
    if (readNumber < (this.#entries.get(key)?.readNumber ?? 0)) return;
    this.#entries.delete(key);
    this.#absentSince.delete(key);
    if (value !== null) {
      this.#entries.set(key, { value, readAt, readNumber });
      evictOldest(this.#entries, maxEntries);
    } else if (absentMs > 0) {
      this.#absentSince.set(key, readAt);
      evictOldest(this.#absentSince, maxEntries);
    }
  }
}

/** Deletes the oldest entry of a map that has more entries than allowed. */
export function evictOldest(entries: Map<string, unknown>, maxEntries: number): void {
  if (entries.size <= maxEntries) return;
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}
