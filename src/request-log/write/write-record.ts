import { describeError } from "../../db/errors.ts";
import type { RequestRecord } from "../../db/request-log/requests.ts";
import type { RequestTimer } from "../../lib/timeout.ts";
import { storeLargeBodies } from "../bodies.ts";
import { writeBatched } from "./batch-writer.ts";
import { saveDeadLetter } from "./dead-letters.ts";
import { type QueueBinding, sendToQueue } from "./queue.ts";

/**
 * Writes a record to the log: to the queue if there is one, else to the database. If the database fails, the
 * record goes to the bucket; if that fails too, to the Worker's console log, which Cloudflare keeps. Returns
 * when the record is in one of them. Never throws.
 *
 * src/settings/timeouts.ts has the time limit of each step.
 */
export async function writeRecord(
  env: Env & QueueBinding,
  record: RequestRecord,
  timer?: RequestTimer,
): Promise<void> {
  if (await sendToQueue(env, record)) return;
  const row = await storeLargeBodies(env.MODELS, record);
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
