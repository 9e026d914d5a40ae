import { describeError, isRowRejected } from "../../db/errors.ts";
import { insertRequests, type RequestRecord } from "../../db/request-log/requests.ts";
import { withTimeout } from "../../lib/single-flight.ts";
import { toBatches } from "./batches.ts";
import { saveDeadLetter } from "./dead-letters.ts";
import { isRecord } from "./is-record.ts";

/**
 * The binding that puts a queue between Worker and database; wrangler.toml says how to turn it on. `Env` is
 * made from what is turned on, so it is typed here.
 */
export interface QueueBinding {
  LOG_QUEUE?: Queue<RequestRecord>;
}

/** Where Cloudflare brings messages that the consumer could not write in all its attempts. */
export const DEAD_LETTER_QUEUE = "facet-log-dead-letters";

/** Messages are 128,000 bytes at most, some 100 of them Cloudflare's own. */
const MOST_BYTES = 127_000;
const SEND_MS = 5_000;

/**
 * Sends a record to the queue. False where there is none, where the record is too large for a message, and
 * where sending fails: then it has to go another way. Where it arrived all the same it is written twice,
 * which is once.
 */
export async function sendToQueue({ LOG_QUEUE }: QueueBinding, record: RequestRecord): Promise<boolean> {
  if (LOG_QUEUE === undefined || !fits(record)) return false;
  try {
    await withTimeout(SEND_MS, LOG_QUEUE.send(record, { contentType: "json" }));
    return true;
  } catch (error) {
    console.warn(
      JSON.stringify({
        message: "a request's record did not get into the queue; it goes to the database",
        id: record.id,
        error: describeError(error),
      }),
    );
    return false;
  }
}

function fits(record: RequestRecord): boolean {
  return new TextEncoder().encode(JSON.stringify(record)).byteLength <= MOST_BYTES;
}

/**
 * Writes a batch of records, with one statement unless they are large. Each is acknowledged when its row is
 * committed: stopped anywhere, the others come again, and no row is there twice. What could not be written
 * comes again later, and in the end through the queue of dead letters, from which it goes to the bucket.
 */
export async function consumeQueue(
  { queue, messages }: MessageBatch<RequestRecord>,
  env: Pick<Env, "LOG_DB" | "MODELS">,
): Promise<void> {
  const failed = queue === DEAD_LETTER_QUEUE ? keep : again;
  const letters = messages.filter(isLetter);
  for (const part of toBatches(letters, ({ body }) => body)) await insertAll(env, part, failed);
}

type Letter = Message<RequestRecord>;

function isLetter({ id, body }: Letter): boolean {
  if (isRecord(body)) return true;
  console.error(JSON.stringify({ message: "a message of the queue is no record of a request", id, body }));
  return false;
}

type Failed = (letters: readonly Letter[], bucket: R2Bucket, error: unknown) => Promise<void>;

async function insertAll(
  env: Pick<Env, "LOG_DB" | "MODELS">,
  letters: readonly Letter[],
  failed: Failed,
): Promise<void> {
  try {
    await insertRequests(
      env.LOG_DB,
      letters.map(({ body }) => body),
    );
  } catch (error) {
    if (!isRowRejected(error) || letters.length === 1) return failed(letters, env.MODELS, error);
    // One of them stands in the way of the others.
    for (const letter of letters) await insertAll(env, [letter], failed);
    return;
  }
  for (const letter of letters) letter.ack();
}

/** The queue's consumer says how long it takes until then, and how often. */
const again: Failed = async (letters, _, error) => {
  for (const letter of letters) letter.retry();
  console.warn(
    JSON.stringify({
      message: "records of the queue could not be written yet",
      count: letters.length,
      error: describeError(error),
    }),
  );
};

/** Behind the queue of dead letters there is none: the bucket, from which the cron drains them, or the console. */
const keep: Failed = async (letters, bucket, error) => {
  // All at once: a bucket that does not answer takes each of them its 7 s.
  await Promise.all(letters.map((letter) => keepOne(letter, bucket, error)));
};

async function keepOne(letter: Letter, bucket: R2Bucket, error: unknown): Promise<void> {
  try {
    await saveDeadLetter(bucket, letter.body);
    letter.ack();
  } catch (second) {
    letter.retry();
    console.error(
      JSON.stringify({
        message: "a request could not be logged yet",
        insert: describeError(error),
        deadLetter: describeError(second),
        record: letter.body,
      }),
    );
  }
}
