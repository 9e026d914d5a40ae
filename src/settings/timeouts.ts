/**
 * Time limits of the work after a response: a shadow prediction and the request log. The stages run one after
 * the other, and a test checks that all of them together end before the platform stops the work.
 */

/** Cloudflare stops the work of a request 30 s after its response. */
export const AFTER_RESPONSE_LIMIT_MS = 30_000;

/** How long the log record of a request waits for the price of the challenger. */
export const SHADOW_TIMEOUT_MS = 2_000;
/** How long a request for a log record waits while this isolate is writing the record. */
export const PENDING_WRITE_TIMEOUT_MS = 3_000;
export const QUEUE_SEND_TIMEOUT_MS = 5_000;
/** For large bodies. A record without its bodies is still useful, so the limit is short. */
export const BODIES_PUT_TIMEOUT_MS = 3_000;

/** How long the batch writer collects records before it writes them with one statement. */
export const BATCH_DELAY_MS = 20;
/** For all attempts to write a record to the database. */
export const LOG_WRITE_TIMEOUT_MS = 12_000;
/** How long the batch writer waits until the other requests acknowledge the result of their records. */
export const ACKNOWLEDGE_TIMEOUT_MS = 1_000;

/** For one attempt to save a dead-letter record in the bucket. */
export const DEAD_LETTER_PUT_TIMEOUT_MS = 2_000;
export const DEAD_LETTER_RETRY = { maxAttempts: 3, firstDelayMs: 200 } as const;

/** `withRetry` multiplies each delay by a random factor up to this one. */
const MAX_RETRY_JITTER = 1.5;

/** The longest time that `withRetry` takes if every attempt takes `attemptTimeoutMs` and fails. */
export function longestRetryMs(
  { maxAttempts, firstDelayMs }: { readonly maxAttempts: number; readonly firstDelayMs: number },
  attemptTimeoutMs: number,
): number {
  // The delays double: their sum is firstDelayMs * (1 + 2 + 4 + ...).
  const delaysMs = firstDelayMs * (2 ** (maxAttempts - 1) - 1) * MAX_RETRY_JITTER;
  return maxAttempts * attemptTimeoutMs + delaysMs;
}

/** The longest time of each stage, in the order of the stages. */
export const AFTER_RESPONSE_STAGES_MS = {
  shadowPrediction: SHADOW_TIMEOUT_MS,
  // Never both: a record whose bodies go to the bucket is too large for the queue.
  queueOrBodies: Math.max(QUEUE_SEND_TIMEOUT_MS, BODIES_PUT_TIMEOUT_MS),
  batchDelay: BATCH_DELAY_MS,
  databaseWrite: LOG_WRITE_TIMEOUT_MS,
  acknowledgement: ACKNOWLEDGE_TIMEOUT_MS,
  deadLetter: longestRetryMs(DEAD_LETTER_RETRY, DEAD_LETTER_PUT_TIMEOUT_MS),
} as const;
