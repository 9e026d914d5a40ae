import type { RequestRecord } from "../../db/request-log/requests.ts";
import { withRetry } from "../../lib/retry.ts";
import { withTimeout } from "../../lib/timeout.ts";
import { DEAD_LETTER_PUT_TIMEOUT_MS, DEAD_LETTER_RETRY } from "../../settings/timeouts.ts";
import { HeldRecords } from "./held-records.ts";

/** Records that the database did not take. A scheduled job writes them to the log later. */
export const DEAD_LETTER_PREFIX = "log-dead-letters/";

/**
 * The bucket key of a record. A row that is shared by repeated requests has a key for each number of repeats, so
 * that a late object with a lower number replaces none with a higher one.
 */
export function toDeadLetterKey(id: string, repeats: number | null = null): string {
  return `${DEAD_LETTER_PREFIX}${id}${repeats === null ? "" : `-${repeats}`}.json`;
}

/** The records that this isolate is saving. A bucket that does not answer must not fill its memory. */
const saving = new HeldRecords({ records: 4_000, textLength: 8_000_000 });

/**
 * Saves a record that the database did not take. The key has the record's id, so saving it twice is harmless.
 * @throws the last error, if every attempt fails; an error at once, if too many records are being saved.
 */
export async function saveDeadLetter(bucket: R2Bucket, record: RequestRecord): Promise<void> {
  if (!saving.tryAdd(record)) throw new Error("too many records wait for the bucket");
  const put = () =>
    bucket.put(toDeadLetterKey(record.id, record.repeats), JSON.stringify(record), {
      httpMetadata: { contentType: "application/json" },
    });
  try {
    await withRetry(() => withTimeout(DEAD_LETTER_PUT_TIMEOUT_MS, put()), {
      ...DEAD_LETTER_RETRY,
      // Every error is retried, because there is no other place for the record than the Worker's console log.
      shouldRetry: () => true,
    });
  } finally {
    saving.remove(record);
  }
}
