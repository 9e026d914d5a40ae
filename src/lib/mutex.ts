import { waitAtMost } from "./timeout.ts";

/**
 * Runs one piece of work at a time, in the order of the calls.
 *
 * When the runtime cancels a request that holds the mutex, its work never ends and never releases the mutex.
 * The next call therefore waits no longer than `maxWaitMs` and then runs its work anyway.
 */
export class Mutex {
  readonly #maxWaitMs: number;
  /** Resolves when the work of the latest call has ended. */
  #last: Promise<void> = Promise.resolve();
  #unfinished = 0;

  constructor({ maxWaitMs }: { readonly maxWaitMs: number }) {
    this.#maxWaitMs = maxWaitMs;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const previous = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    this.#unfinished++;
    try {
      if (this.#unfinished > 1) await waitAtMost(this.#maxWaitMs, previous);
      return await work();
    } finally {
      this.#unfinished--;
      resolve();
    }
  }
}
