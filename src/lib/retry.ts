import { sleep } from "./time.ts";

interface RetryOptions {
  /** Whether another attempt may succeed after this error. */
  readonly shouldRetry: (error: unknown) => boolean;
  readonly maxAttempts?: number;
  /** Delay before the second attempt, in milliseconds. Each later delay is twice as long. */
  readonly firstDelayMs?: number;
}

/**
 * Repeats idempotent work until it succeeds. Each delay is multiplied by a random factor of 0.5 to 1.5, so
 * that callers that failed together do not retry together.
 * @throws the last error, when it must not be retried or no attempts are left
 */
export async function withRetry<T>(
  work: () => Promise<T>,
  { shouldRetry, maxAttempts = 4, firstDelayMs = 100 }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === maxAttempts || !shouldRetry(error)) throw error;
      await sleep(firstDelayMs * 2 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }
}
