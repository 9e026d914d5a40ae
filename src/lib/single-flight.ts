import type { Background } from "../http/context.ts";
import { ageMs } from "./clock.ts";

/** Work that has not ended by then was cut off with the request that began it: the next caller begins anew. */
const ABANDONED_AFTER_MS = 15_000;

/**
 * Work that overlapping requests share: the first begins it, the others wait for its outcome. It goes on
 * when the request that began it is gone.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, { outcome: Promise<T>; since: number }>();

  run(key: string, background: Background, work: () => Promise<T>): Promise<T> {
    const current = this.#flights.get(key);
    if (current !== undefined && ageMs(current.since) < ABANDONED_AFTER_MS) return current.outcome;
    const flight = { outcome: work(), since: Date.now() };
    this.#flights.set(key, flight);
    const landed = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    background.waitUntil(flight.outcome.then(landed, landed));
    return flight.outcome;
  }
}

/** What somebody was asked for did not come in time. */
export class TimeoutError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/** @throws TimedOut where the work takes longer than some milliseconds. */
export async function withTimeout<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new TimeoutError(ms)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for something, but no longer than some milliseconds. */
export async function waitAtMost(ms: number, signal: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([signal, late.promise]);
  clearTimeout(timer);
}
