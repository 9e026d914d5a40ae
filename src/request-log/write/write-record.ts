import { describeError } from "../../db/errors.ts";
import type { RequestRecord } from "../../db/request-log/requests.ts";
import type { RequestTimer } from "../../lib/timeout.ts";
import { storeLargeBodies } from "../bodies.ts";
import { writeBatched } from "./batch-writer.ts";
import { countRepeat } from "./count-repeat.ts";
import { saveDeadLetter } from "./dead-letters.ts";
import { type QueueBinding, sendToQueue } from "./queue.ts";

interface WriteOptions {
  /** For the waits of the request. */
  readonly timer?: RequestTimer;
  /** What repeated requests have in common; null for a row of its own. */
  readonly repeatKey?: string | null;
}

/**
 * Writes a record to the log: to the queue if there is one, else to the database. If the database fails, the
 * record goes to the bucket; if that fails too, to the Worker's console log, which Cloudflare keeps. Returns
 * when the record is in one of them. Never throws.
 *
 * A repeated request is written with the row that it shares, and not to the queue, which would cost a message.
 *
 * src/settings/timeouts.ts has the time limit of each step.
 */
export async function writeRecord(
  env: Env & QueueBinding,
  record: RequestRecord,
  { timer, repeatKey = null }: WriteOptions = {},
): Promise<void> {
  const counted = repeatKey === null ? record : countRepeat(repeatKey, record);
  if (counted.repeats === null && (await sendToQueue(env, counted))) return;
  const row = await storeLargeBodies(env.MODELS, counted);
  await writeBatched(env.LOG_DB, row, (failed, error) => saveOrPrint(env.MODELS, failed, error), { timer });
}

async function saveOrPrint(bucket: R2Bucket, record: RequestRecord, insertError: unknown): Promise<void> {
  try {
    await saveDeadLetter(bucket, record);
  } catch (error) {
    console.error(
      JSON.stringify({
        message: "request not logged: database and bucket failed",
        insert: describeError(insertError),
        deadLetter: describeError(error),
        record,
      }),
    );
  }
}
