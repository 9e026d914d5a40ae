import { withTimeout } from "./single-flight.ts";

/** No call to a database or the bucket takes so long while it works: D1 ends a query after 30 s. */
const CALL_TIMEOUT_MS = 25_000;

/**
 * What a run of the cron may use: the platform allows it 1,000 calls to databases and the bucket, counted by
 * statements and objects, and 15 minutes. A run that ends before it is cut off leaves nothing half done.
 */
export class CallBudget {
  #calls: number;
  readonly #until: number;

  constructor({ calls, ms }: { readonly calls: number; readonly ms: number }) {
    this.#calls = calls;
    this.#until = Date.now() + ms;
  }

  /** How many calls may still be made; 0 when the time is over. */
  get remaining(): number {
    return Date.now() < this.#until ? Math.max(0, this.#calls) : 0;
  }

  /** Makes a call, or some in one. @throws where there is no answer in time. */
  call<T>(work: () => Promise<T>, calls = 1): Promise<T> {
    this.#calls -= calls;
    return withTimeout(CALL_TIMEOUT_MS, work());
  }
}
