import type { Background } from "./background.ts";
import { ageMs } from "./time.ts";

/**
 * Work that takes longer counts as abandoned, and the next caller starts it again: when the runtime cancels a
 * request, the work that this request started never ends.
 */
const DEFAULT_ABANDONED_AFTER_MS = 15_000;

/**
 * Runs work once for all overlapping calls with the same key: the first call starts it, the others wait for
 * its result. The work continues after the response of the request that started it.
 */
export class SingleFlight<T> {
  readonly #running = new Map<string, { result: Promise<T>; startedAt: number }>();
  readonly #abandonedAfterMs: number;

  constructor({ abandonedAfterMs = DEFAULT_ABANDONED_AFTER_MS } = {}) {
    this.#abandonedAfterMs = abandonedAfterMs;
  }

  run(key: string, background: Background, work: () => Promise<T>): Promise<T> {
    const current = this.#running.get(key);
    if (current !== undefined && ageMs(current.startedAt) < this.#abandonedAfterMs) return current.result;
    const own = { result: work(), startedAt: Date.now() };
    this.#running.set(key, own);
    const cleanUp = () => {
      if (this.#running.get(key) === own) this.#running.delete(key);
    };
    background.waitUntil(own.result.then(cleanUp, cleanUp));
    return own.result;
  }
}
