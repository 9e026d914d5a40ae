import type { RequestRecord } from "../../db/request-log/requests.ts";
import { MAX_BODIES_JSON_OCTETS } from "../bodies.ts";
import { sumTextLengths } from "./held-records.ts";

/** D1 takes parameters of up to 2 MB. */
const MAX_BATCH_JSON_OCTETS = 1_900_000;
/** A UTF-16 unit can become six octets of JSON: `\u0000`. */
const MAX_OCTETS_PER_UNIT = 6;
/** For the names of the columns and for all numbers of a record. */
const RECORD_OVERHEAD_OCTETS = 800;

/**
 * Splits items into batches whose records fit into one statement, in the same order. A record that is larger
 * than a batch becomes a batch of its own.
 * @param getJsonOctets the size of an item's record as JSON, in octets of UTF-8, or more
 */
export function* splitIntoBatches<Item>(
  items: readonly Item[],
  getJsonOctets: (item: Item) => number,
): Generator<Item[]> {
  let batch: Item[] = [];
  let batchOctets = 0;
  for (const item of items) {
    const octets = getJsonOctets(item);
    if (batch.length > 0 && batchOctets + octets > MAX_BATCH_JSON_OCTETS) {
      yield batch;
      batch = [];
      batchOctets = 0;
    }
    batch.push(item);
    batchOctets += octets;
  }
  if (batch.length > 0) yield batch;
}

/**
 * The most octets that a record can have as JSON. It is computed from the lengths of the texts, because encoding
 * them takes longer.
 */
export function boundJsonOctets(record: RequestRecord): number {
  return RECORD_OVERHEAD_OCTETS + MAX_OCTETS_PER_UNIT * sumTextLengths(record);
}

/** The same for a record whose large bodies are in the bucket. */
export function boundRowJsonOctets(record: RequestRecord): number {
  const bodies = (record.requestBody?.length ?? 0) + (record.responseBody?.length ?? 0);
  const excess = Math.max(0, MAX_OCTETS_PER_UNIT * bodies - MAX_BODIES_JSON_OCTETS);
  return boundJsonOctets(record) - excess;
}
