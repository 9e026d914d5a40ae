/** Work did not end in the time that its caller gave it. */
export class TimeoutError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/**
 * Waits for work. A timeout does not stop the work.
 * @throws TimeoutError when the work takes longer than `ms` milliseconds.
 */
export async function withTimeout<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new TimeoutError(ms)), ms);
  work.then(resolve, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until a promise resolves or `ms` milliseconds have passed, whichever comes first. */
export async function waitAtMost(ms: number, event: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  event.then(resolve, resolve);
  await promise;
  clearTimeout(timer);
}

const TICK_MS = 1_000;

interface Wait {
  readonly endsAt: number;
  readonly end: () => void;
}

/**
 * The time limits of one request. All its waits share one timer, because setting a timer takes longer than most
 * steps of a request. It looks once a second which limits have passed, so a wait can take a second longer. It
 * needs no end: the runtime ends the timers of a request with it.
 */
export class RequestTimer {
  readonly #waits = new Set<Wait>();
  #isRunning = false;

  /**
   * Waits for work. A timeout does not stop the work.
   * @throws TimeoutError when the work takes longer than `ms` milliseconds
   */
  async withTimeout<T>(ms: number, work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const wait = this.#start(ms, () => reject(new TimeoutError(ms)));
    work.then(resolve, reject);
    try {
      return await promise;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** Waits until a promise is settled or `ms` milliseconds have passed, whichever comes first. */
  async waitAtMost(ms: number, event: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wait = this.#start(ms, resolve);
    event.then(resolve, resolve);
    await promise;
    this.#waits.delete(wait);
  }

  #start(ms: number, end: () => void): Wait {
    const wait = { endsAt: Date.now() + ms, end };
    this.#waits.add(wait);
    if (!this.#isRunning) this.#setTimer();
    return wait;
  }

  #setTimer(): void {
    this.#isRunning = true;
    setTimeout(() => {
      this.#isRunning = false;
      const now = Date.now();
      for (const wait of [...this.#waits].filter(({ endsAt }) => endsAt <= now)) {
        this.#waits.delete(wait);
        wait.end();
      }
      if (this.#waits.size > 0) this.#setTimer();
    }, TICK_MS);
  }
}
