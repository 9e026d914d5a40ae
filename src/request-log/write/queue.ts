import { describeError, isRowRejected } from "../../db/errors.ts";
import { insertRequests, type RequestRecord } from "../../db/request-log/requests.ts";
import { withTimeout } from "../../lib/timeout.ts";
import { DEAD_LETTER_QUEUE } from "../../settings/retention.ts";
import { QUEUE_SEND_TIMEOUT_MS } from "../../settings/timeouts.ts";
import { saveDeadLetter } from "./dead-letters.ts";
import { isRecord } from "./is-record.ts";
import { boundJsonOctets, splitIntoBatches } from "./split-batches.ts";

/**
 * The optional queue between Worker and database. wrangler.toml says how to turn it on. It is declared here
 * because `Env` is generated from the bindings that are turned on.
 */
export interface QueueBinding {
  LOG_QUEUE?: Queue<RequestRecord>;
}

/** Cloudflare takes messages of up to 128,000 bytes and uses about 100 of them itself. */
const MAX_MESSAGE_BYTES = 127_000;

/**
 * Sends a record to the queue. Returns false if there is no queue, if the record is too large for a message,
 * or if sending fails. The caller then writes the record to the database. If the queue did take a record
 * although sending failed, it is written a second time, and the insert ignores the duplicate.
 */
export async function sendToQueue({ LOG_QUEUE }: QueueBinding, record: RequestRecord): Promise<boolean> {
  if (LOG_QUEUE === undefined || !fitsMessage(record)) return false;
  try {
    await withTimeout(QUEUE_SEND_TIMEOUT_MS, LOG_QUEUE.send(record, { contentType: "json" }));
    return true;
  } catch (error) {
    console.warn(
      JSON.stringify({
        message: "log record not queued: it is written to the database instead",
        id: record.id,
        error: describeError(error),
      }),
    );
    return false;
  }
}

function fitsMessage(record: RequestRecord): boolean {
  if (boundJsonOctets(record) <= MAX_MESSAGE_BYTES) return true;
  return new TextEncoder().encode(JSON.stringify(record)).byteLength <= MAX_MESSAGE_BYTES;
}

type LogMessage = Message<RequestRecord>;

/** Handles messages that could not be written to the database. */
type HandleFailure = (messages: readonly LogMessage[], bucket: R2Bucket, error: unknown) => Promise<void>;

/**
 * Writes a batch of messages to the database, with one statement if they are small. A message is acknowledged
 * after its row is committed. If the consumer is stopped, the queue delivers the other messages again.
 *
 * Messages that could not be written are retried. After the last retry Cloudflare moves them to the
 * dead-letter queue, whose messages go to the bucket if the database still fails.
 */
export async function consumeQueue(
  { queue, messages }: MessageBatch<RequestRecord>,
  env: Pick<Env, "LOG_DB" | "MODELS">,
): Promise<void> {
  const handleFailure = queue === DEAD_LETTER_QUEUE.name ? saveMessages : retryMessages;
  const records = messages.filter(isRecordMessage);
  const toOctets = ({ body }: LogMessage) => Math.min(boundJsonOctets(body), MAX_MESSAGE_BYTES);
  for (const batch of splitIntoBatches(records, toOctets)) await insertMessages(env, batch, handleFailure);
}

function isRecordMessage({ id, body }: LogMessage): boolean {
  if (isRecord(body)) return true;
  console.error(JSON.stringify({ message: "queue message dropped: it is not a log record", id, body }));
  return false;
}

async function insertMessages(
  env: Pick<Env, "LOG_DB" | "MODELS">,
  messages: readonly LogMessage[],
  handleFailure: HandleFailure,
): Promise<void> {
  try {
    await insertRequests(
      env.LOG_DB,
      messages.map(({ body }) => body),
    );
  } catch (error) {
    if (!isRowRejected(error) || messages.length === 1) return handleFailure(messages, env.MODELS, error);
    // One of the rows is invalid. Inserting each row on its own saves the others.
    for (const message of messages) await insertMessages(env, [message], handleFailure);
    return;
  }
  for (const message of messages) message.ack();
}

/** The settings of the consumer say how often and after what delay messages are retried. */
const retryMessages: HandleFailure = async (messages, _, error) => {
  for (const message of messages) message.retry();
  console.warn(
    JSON.stringify({
      message: "log records not written yet: the queue retries them",
      count: messages.length,
      error: describeError(error),
    }),
  );
};

/**
 * Saves messages of the dead-letter queue in the bucket, from which a scheduled job writes them to the log.
 */
const saveMessages: HandleFailure = async (messages, bucket, error) => {
  // In parallel, because a bucket that does not answer takes seconds for each message.
  await Promise.all(messages.map((message) => saveMessage(message, bucket, error)));
};

async function saveMessage(message: LogMessage, bucket: R2Bucket, insertError: unknown): Promise<void> {
  try {
    await saveDeadLetter(bucket, message.body);
    message.ack();
  } catch (error) {
    message.retry();
    console.error(
      JSON.stringify({
        message: "log record not written yet: database and bucket failed",
        insert: describeError(insertError),
        deadLetter: describeError(error),
        record: message.body,
      }),
    );
  }
}
