/**
 * How long records can wait in the queues, and how long the ids of erased requests are kept.
 *
 * The time that requests stay in the log's table is not here: LOG_RETENTION_DAYS in wrangler.toml sets it.
 */

interface QueueSettings {
  readonly name: string;
  /** How long Cloudflare keeps a message. 14 days is the maximum. */
  readonly retentionSeconds: number;
  readonly maxRetries: number;
  readonly retryDelaySeconds: number;
}

const FOURTEEN_DAYS_SECONDS = 14 * 86_400;

/** The queue between Worker and log database. wrangler.toml has the same values, and a test compares them. */
export const LOG_QUEUE: QueueSettings = {
  name: "facet-log",
  retentionSeconds: FOURTEEN_DAYS_SECONDS,
  maxRetries: 100,
  retryDelaySeconds: 60,
};

/** Gets the messages that the consumer of {@link LOG_QUEUE} could not write in all its retries. */
export const DEAD_LETTER_QUEUE: QueueSettings = {
  name: "facet-log-dead-letters",
  retentionSeconds: FOURTEEN_DAYS_SECONDS,
  maxRetries: 100,
  retryDelaySeconds: 600,
};

/**
 * How long the id of an erased request is kept. It must be longer than a message can stay in both queues,
 * because a record that arrives after its erasure is recognised by its id. A test compares the two.
 */
export const ERASED_ID_RETENTION_DAYS = 30;
