import { isRetryable } from "../db/errors.ts";

interface RetryOptions {
  readonly attempts?: number;
  /** The first pause in milliseconds, give or take a half; each further one is twice as long. */
  readonly firstDelayMs?: number;
  /** Whether doing it again may help. */
  readonly shouldRetry?: (error: unknown) => boolean;
}

/** Does idempotent work again where that may help; unless told otherwise, where D1 says so. */
export async function withRetry<T>(
  work: () => Promise<T>,
  { attempts = 4, firstDelayMs: pause = 100, shouldRetry: helps = isRetryable }: RetryOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts || !helps(error)) throw error;
      await scheduler.wait(pause * 2 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }
}
