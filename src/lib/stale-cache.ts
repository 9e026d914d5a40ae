import type { Background } from "../http/context.ts";
import { ageMs } from "./clock.ts";
import { SingleFlight, withTimeout } from "./single-flight.ts";

/** How long what is remembered does again where the registry does not answer, before it is asked once more. */
const STALE_MS = 1_000;
/** How long one waits for the registry: shorter where an answer is known that will do. */
const READ_TIMEOUT_MS = { known: 1_000, unknown: 10_000 };

interface Entry<Value> {
  readonly value: Value;
  readonly readAt: number;
  /** When it was last asked for, and for how long that will do. */
  askedAt: number;
  freshMs: number;
}

/**
 * What an isolate remembers of the registry: for some seconds as it is, and longer while the registry does
 * not answer. An answer that comes late, when nobody waits for it any more, is remembered as well, so that
 * what has changed is noticed as long as the registry answers at all.
 */
export class StaleCache<Value> {
  readonly #freshMs: number;
  readonly #longestMs: number;
  readonly #absentMs: number;
  readonly #most: number;
  readonly #entries = new Map<string, Entry<Value>>();
  /** What is not there, and since when that is known. Apart: many of these push out nothing that is there. */
  readonly #absent = new Map<string, number>();
  readonly #flights = new SingleFlight<Value | null>();

  constructor(settings: {
    /** How long an answer is trusted: the longest that a change goes unnoticed. */
    readonly freshMs: number;
    /** The longest that it does without the registry; left out: without an end. */
    readonly longestMs?: number;
    /** How long it is remembered that something is not there; left out: not at all. */
    readonly absentMs?: number;
    readonly most: number;
  }) {
    this.#freshMs = settings.freshMs;
    this.#longestMs = settings.longestMs ?? Number.POSITIVE_INFINITY;
    this.#absentMs = settings.absentMs ?? 0;
    this.#most = settings.most;
  }

  /** Whether it can be answered without the registry, should that not answer. */
  canAnswer(key: string): boolean {
    return this.#entries.has(key) || this.#isAbsent(key);
  }

  /**
   * What the registry has under a key, read by `read` where it is not remembered; null where there is nothing.
   * @param onFault told why the registry did not answer where something remembered stands in
   * @throws what `read` threw, or TimedOut, where nothing is remembered
   */
  async get(
    key: string,
    background: Background,
    read: () => Promise<Value | null>,
    onFault: (error: unknown) => void,
  ): Promise<Value | null> {
    const known = this.#entries.get(key);
    if (known !== undefined && ageMs(known.askedAt) < known.freshMs) return known.value;
    if (known === undefined && this.#isAbsent(key)) return null;
    try {
      const search = this.#flights.run(key, background, async () => {
        const readAt = Date.now();
        const value = await read();
        this.#keep(key, value, readAt);
        return value;
      });
      return await withTimeout(known ? READ_TIMEOUT_MS.known : READ_TIMEOUT_MS.unknown, search);
    } catch (error) {
      if (known === undefined || ageMs(known.readAt) > this.#longestMs) throw error;
      known.askedAt = Date.now();
      known.freshMs = STALE_MS;
      onFault(error);
      return known.value;
    }
  }

  /** Has everything asked for anew. */
  refresh(): void {
    for (const entry of this.#entries.values()) entry.freshMs = 0;
  }

  #isAbsent(key: string): boolean {
    const since = this.#absent.get(key);
    return since !== undefined && ageMs(since) < this.#absentMs;
  }

  #keep(key: string, value: Value | null, readAt: number): void {
    this.#entries.delete(key);
    this.#absent.delete(key);
    if (value !== null) {
      this.#entries.set(key, { value, readAt, askedAt: readAt, freshMs: this.#freshMs });
      evictOldest(this.#entries, this.#most);
    } else if (this.#absentMs > 0) {
      this.#absent.set(key, readAt);
      evictOldest(this.#absent, this.#most);
    }
  }
}

/** Lets go of the oldest entry where there are more than so many. */
export function evictOldest(entries: Map<string, unknown>, most: number): void {
  const [oldest] = entries.keys();
  if (entries.size > most && oldest !== undefined) entries.delete(oldest);
}
