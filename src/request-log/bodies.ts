import { describeError } from "../db/errors.ts";
import type { RequestRecord } from "../db/request-log/requests.ts";
import { withTimeout } from "../lib/timeout.ts";
import { BODIES_PUT_TIMEOUT_MS } from "../settings/timeouts.ts";

/** Bodies with more octets of JSON go to the bucket, because a row in D1 has at most 2 MB. */
export const MAX_BODIES_JSON_OCTETS = 262_144;
/** One UTF-16 unit can become six octets in JSON: `\u0000`. */
const MAX_JSON_EXPANSION = 6;
/** One UTF-16 unit of JSON has at most three octets. */
const MAX_OCTETS_PER_UNIT = 3;
/** The row keeps this much of the start of each large body. */
const EXCERPT_CHARACTERS = 8_192;

export const toBodiesKey = (id: string): string => `log-bodies/${id}.json`;

/** Both bodies of a request. */
export type Bodies = Pick<RequestRecord, "requestBody" | "responseBody">;

/**
 * Makes a record fit into a row: large bodies go to the bucket, and the row gets their key. If the bucket
 * fails, the row has only the excerpts of its bodies, and `problem` says so.
 */
export async function storeLargeBodies(bucket: R2Bucket, record: RequestRecord): Promise<RequestRecord> {
  const { requestBody, responseBody } = record;
  const length = (requestBody?.length ?? 0) + (responseBody?.length ?? 0);
  if (length * MAX_JSON_EXPANSION <= MAX_BODIES_JSON_OCTETS) return record;
  const json = JSON.stringify({ requestBody, responseBody } satisfies Bodies);
  if (countOctets(json) <= MAX_BODIES_JSON_OCTETS) return record;
  const key = toBodiesKey(record.id);
  const row = {
    ...record,
    requestBody: toExcerpt(requestBody),
    responseBody: toExcerpt(responseBody),
  };
  try {
    const put = bucket.put(key, json, { httpMetadata: { contentType: "application/json" } });
    await withTimeout(BODIES_PUT_TIMEOUT_MS, put);
    return { ...row, bodies: key };
  } catch (error) {
    const problem = `the bodies could not be stored: ${describeError(error)}`;
    console.error(JSON.stringify({ message: problem, id: record.id }));
    return { ...row, problem: record.problem ? `${record.problem}; ${problem}` : problem };
  }
}

/** The full bodies of a record, from the bucket if they are there. */
export async function readBodies(
  bucket: R2Bucket,
  record: Bodies & Pick<RequestRecord, "bodies">,
): Promise<Bodies> {
  const object = record.bodies ? await bucket.get(record.bodies) : null;
  return object === null ? record : object.json<Bodies>();
}

/** The octets of a text in UTF-8. Only a text whose length does not decide is encoded. */
function countOctets(text: string): number {
  const isDecided =
    text.length > MAX_BODIES_JSON_OCTETS || text.length * MAX_OCTETS_PER_UNIT <= MAX_BODIES_JSON_OCTETS;
  return isDecided ? text.length : new TextEncoder().encode(text).byteLength;
}

function toExcerpt(text: string | null): string | null {
  return text?.slice(0, EXCERPT_CHARACTERS).toWellFormed() ?? null;
}
