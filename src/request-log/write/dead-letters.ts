import type { RequestRecord } from "../../db/request-log/requests.ts";
import { withRetry } from "../../lib/retry.ts";
import { withTimeout } from "../../lib/timeout.ts";
import { DEAD_LETTER_PUT_TIMEOUT_MS, DEAD_LETTER_RETRY } from "../../settings/timeouts.ts";

/** Records that the database did not take. A scheduled job writes them to the log later. */
export const DEAD_LETTER_PREFIX = "log-dead-letters/";

export const toDeadLetterKey = (id: string): string => `${DEAD_LETTER_PREFIX}${id}.json`;

/**
 * Saves a record that the database did not take. The key is the record's id, so saving it twice is harmless.
 * @throws the last error, if every attempt fails.
 */
export async function saveDeadLetter(bucket: R2Bucket, record: RequestRecord): Promise<void> {
  const put = () =>
    bucket.put(toDeadLetterKey(record.id), JSON.stringify(record), {
      httpMetadata: { contentType: "application/json" },
    });
  await withRetry(() => withTimeout(DEAD_LETTER_PUT_TIMEOUT_MS, put()), {
    ...DEAD_LETTER_RETRY,
    // Every error is retried, because there is no other place for the record than the Worker's console log.
    shouldRetry: () => true,
  });
}
