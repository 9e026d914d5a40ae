import { describeError } from "../../db/errors.ts";
import type { RequestRecord } from "../../db/request-log/requests.ts";
import { storeLargeBodies } from "../bodies.ts";
import { writeBatched } from "./batch-writer.ts";
import { saveDeadLetter } from "./dead-letters.ts";
import { type QueueBinding, sendToQueue } from "./queue.ts";

/**
 * Hands a record to the queue where there is one, or writes it to the database; where that fails, to the
 * bucket; where that fails too, to the console, whose lines Cloudflare keeps. Returns when the record is in
 * one of them. Never throws.
 *
 * Work after a response has 30 s. Where nothing answers this takes 25: the queue 5 or the bodies 3 (what
 * fits a message has no large ones), the database 12, noticing that another request is gone 1, the bucket 7.
 * Two more can go by before, for a challenger's price.
 */
export async function writeRecord(env: Env & QueueBinding, record: RequestRecord): Promise<void> {
  if (await sendToQueue(env, record)) return;
  const row = await storeLargeBodies(env.MODELS, record);
  await writeBatched(env.LOG_DB, row, (one, error) => save(env.MODELS, one, error));
}

async function save(bucket: R2Bucket, record: RequestRecord, error: unknown): Promise<void> {
  try {
    await saveDeadLetter(bucket, record);
  } catch (second) {
    console.error(
      JSON.stringify({
        message: "a request could not be logged",
        insert: describeError(error),
        deadLetter: describeError(second),
        record,
      }),
    );
  }
}
