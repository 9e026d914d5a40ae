/** A call has waited for the mutex for as long as it may. Its work was not started. */
export class MutexBusyError extends Error {
  constructor(ms: number) {
    super(`other work did not end within ${ms} ms`);
  }
}

interface MutexOptions {
  /** How long a call waits for the work before it. */
  readonly maxWaitMs: number;
  /** Work that takes longer counts as lost: it never ends, because the platform has stopped its request. */
  readonly lostAfterMs: number;
  /** Is called when work counts as lost, before other work starts. */
  readonly onLost?: () => void;
}

/**
 * Runs one piece of work at a time, in the order of the calls. A call that waits too long is refused.
 *
 * The platform can cancel a request while it waits, and its code then never runs again. So the mutex is not
 * handed over: when work ends, all waiting calls are woken in their order, and the first one that really runs
 * takes the mutex. Each waits for a promise of its own, because a promise of a cancelled request never resolves.
 */
export class Mutex {
  readonly #maxWaitMs: number;
  readonly #lostAfterMs: number;
  readonly #onLost: () => void;
  /** The number of the work that runs now; 0 for none. */
  #holder = 0;
  #heldSince = 0;
  #lastNumber = 0;
  /** Wake the waiting calls, in their order. */
  #waiting = new Set<() => void>();

  constructor({ maxWaitMs, lostAfterMs, onLost = () => {} }: MutexOptions) {
    this.#maxWaitMs = maxWaitMs;
    this.#lostAfterMs = lostAfterMs;
    this.#onLost = onLost;
  }

  /** @throws MutexBusyError, and the errors of the work */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#tryAcquire() ? this.#runHeld(work) : this.#waitAndRun(work);
  }

  async #waitAndRun<T>(work: () => Promise<T>): Promise<T> {
    // Nobody waits behind work that is already late: it is probably lost.
    if (this.#heldMs() >= this.#maxWaitMs) throw new MutexBusyError(this.#maxWaitMs);
    let isLate = false;
    let wake = () => {};
    const timer = setTimeout(() => {
      isLate = true;
      wake();
    }, this.#maxWaitMs);
    try {
      while (!this.#tryAcquire()) {
        if (isLate) throw new MutexBusyError(this.#maxWaitMs);
        await new Promise<void>((resolve) => {
          wake = resolve;
          this.#waiting.add(resolve);
        });
        this.#waiting.delete(wake);
      }
    } finally {
      clearTimeout(timer);
    }
    return this.#runHeld(work);
  }

  #tryAcquire(): boolean {
    if (this.#holder !== 0) {
      if (this.#heldMs() < this.#lostAfterMs) return false;
      this.#onLost();
    }
    this.#holder = ++this.#lastNumber;
    this.#heldSince = Date.now();
    return true;
  }

  async #runHeld<T>(work: () => Promise<T>): Promise<T> {
    const own = this.#holder;
    try {
      return await work();
    } finally {
      // Work that counted as lost and ends after all must not release the mutex of other work.
      if (this.#holder === own) this.#release();
    }
  }

  #release(): void {
    this.#holder = 0;
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  #heldMs(): number {
    const now = Date.now();
    // If the clock was set back, the time starts again.
    if (now < this.#heldSince) this.#heldSince = now;
    return now - this.#heldSince;
  }
}
