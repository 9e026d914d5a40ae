import { isRetryable } from "./failure.ts";

const ATTEMPTS = 4;

/** Does idempotent work again where D1 says that this may help. */
export async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !isRetryable(error)) throw error;
      await scheduler.wait(50 * 2 ** attempt * (0.5 + Math.random()));
    }
  }
}
