import type { Bodies } from "../bodies.ts";

/** D1 takes parameters of up to 2 MB. Most characters are one byte of JSON, and some are six. */
const MAX_BATCH_CHARACTERS = 400_000;

/**
 * Splits items into batches whose records fit into one statement, in the same order. A record that is larger
 * than a batch becomes a batch of its own.
 */
export function* splitIntoBatches<Item>(
  items: readonly Item[],
  getBodies: (item: Item) => Bodies,
): Generator<Item[]> {
  let batch: Item[] = [];
  let batchCharacters = 0;
  for (const item of items) {
    const { requestBody, responseBody } = getBodies(item);
    const characters = (requestBody?.length ?? 0) + (responseBody?.length ?? 0);
    if (batch.length > 0 && batchCharacters + characters > MAX_BATCH_CHARACTERS) {
      yield batch;
      batch = [];
      batchCharacters = 0;
    }
    batch.push(item);
    batchCharacters += characters;
  }
  if (batch.length > 0) yield batch;
}
