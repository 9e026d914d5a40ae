import { withTimeout } from "./timeout.ts";

/** Shorter than Cloudflare's own limit for a database query, which is 30 s. */
export const DEFAULT_CALL_TIMEOUT_MS = 25_000;

interface CallBudgetOptions {
  /** How many calls may be made. */
  readonly calls: number;
  /** Time for all calls, from the creation of the budget. */
  readonly ms: number;
  /** Time for one call. */
  readonly callTimeoutMs?: number;
}

/**
 * Limits the calls to other services and the time of a job. A job asks for the remaining calls before each
 * step, and stops on its own before the platform ends it in the middle of a step.
 */
export class CallBudget {
  #remainingCalls: number;
  readonly #endsAt: number;
  readonly #callTimeoutMs: number;

  constructor({ calls, ms, callTimeoutMs = DEFAULT_CALL_TIMEOUT_MS }: CallBudgetOptions) {
    this.#remainingCalls = calls;
    this.#endsAt = Date.now() + ms;
    this.#callTimeoutMs = callTimeoutMs;
  }

  /** How many calls may still be made; 0 when the time is over. */
  get remaining(): number {
    return Date.now() < this.#endsAt ? Math.max(0, this.#remainingCalls) : 0;
  }

  /** Counts calls that other code makes. */
  count(calls: number): void {
    this.#remainingCalls -= calls;
  }

  /**
   * Runs work that makes one call, or the given number of calls.
   * @throws TimeoutError when the work takes too long; also every error of the work
   */
  call<T>(work: () => Promise<T>, calls = 1): Promise<T> {
    this.count(calls);
    return withTimeout(this.#callTimeoutMs, work());
  }
}
