import { ageMs } from "./time.ts";

/** A failure is remembered for this time. After that, a caller waits for the source again. */
const FAILURE_MEMORY_MS = 15_000;

/** Whether a source answers. Several caches of one source share it, so that only one of them waits in vain. */
export class Availability {
  #failure: { readonly error: unknown; readonly at: number } | null = null;

  /** The last failure, if the source has not answered since and the failure is not old; otherwise null. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure !== null && ageMs(this.#failure.at) < FAILURE_MEMORY_MS ? this.#failure : null;
  }

  recordSuccess(): void {
    this.#failure = null;
  }

  recordFailure(error: unknown): void {
    this.#failure = { error, at: Date.now() };
  }
}
