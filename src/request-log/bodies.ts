import { describeError } from "../db/errors.ts";
import type { RequestRecord } from "../db/request-log/requests.ts";
import { withTimeout } from "../lib/single-flight.ts";

/**
 * Bodies above this, in characters of JSON, go to the bucket: D1 takes rows up to 2 MB, and one character
 * can be six of JSON.
 */
const MOST_CHARACTERS = 262_144;
/** What stays of each body in the row, for people to see what it was. */
const KEPT_CHARACTERS = 8_192;

/** How long the record waits for the bucket: without its bodies it is worth more than not at all. */
const PUT_MS = 3_000;

export const bodiesKey = (id: string): string => `log-bodies/${id}.json`;

/** Both bodies of a request as they were. */
export type Bodies = Pick<RequestRecord, "requestBody" | "responseBody">;

/** A record that fits a row: large bodies go to the bucket, and the row says where. */
export async function storeLargeBodies(bucket: R2Bucket, record: RequestRecord): Promise<RequestRecord> {
  const { requestBody, responseBody } = record;
  const characters = (requestBody?.length ?? 0) + (responseBody?.length ?? 0);
  if (characters * 6 <= MOST_CHARACTERS) return record;
  const json = JSON.stringify({ requestBody, responseBody } satisfies Bodies);
  if (json.length <= MOST_CHARACTERS) return record;
  const key = bodiesKey(record.id);
  const row = { ...record, requestBody: start(requestBody), responseBody: start(responseBody) };
  try {
    await withTimeout(PUT_MS, bucket.put(key, json, { httpMetadata: { contentType: "application/json" } }));
    return { ...row, bodies: key };
  } catch (error) {
    const problem = `its bodies could not be kept: ${describeError(error)}`;
    console.error(JSON.stringify({ message: problem, id: record.id }));
    return { ...row, problem: record.problem ? `${record.problem}; ${problem}` : problem };
  }
}

/** The bodies of a record, from the bucket where they are there. */
export async function readBodies(
  bucket: R2Bucket,
  record: Bodies & Pick<RequestRecord, "bodies">,
): Promise<Bodies> {
  const object = record.bodies ? await bucket.get(record.bodies) : null;
  return object === null ? record : object.json<Bodies>();
}

function start(text: string | null | undefined): string | null {
  return text?.slice(0, KEPT_CHARACTERS).toWellFormed() ?? null;
}
