import { type RequestRecord, readRequest } from "../../db/request-log/requests.ts";
import { isRecentId } from "../../domain/request-id.ts";
import { NotFound } from "../../http/errors.ts";
import { truncate } from "../../lib/truncate.ts";
import { findArchived } from "../archive/archived-request.ts";
import { readBodies } from "../bodies.ts";
import { withBucketErrors } from "../bucket-errors.ts";
import { isArchivable } from "../retained-days.ts";
import { waitForWrite } from "../write/pending-writes.ts";

/** An optional queue or another isolate needs about this long to write a record. */
const RETRY_AFTER_SECONDS = 2;

/**
 * Finds a request with its full bodies, in the table or in the archive; null if it is in neither.
 * @throws ServiceUnavailable if the bucket is needed and fails.
 */
export async function findRequest(env: Env, id: string): Promise<RequestRecord | null> {
  const { LOG_DB, MODELS } = env;
  await waitForWrite(id);
  const row =
    (await readRequest(LOG_DB, id)) ??
    (isArchivable(env, id, Date.now()) ? await withBucketErrors(() => findArchived(env, id)) : null);
  if (row === null) return null;
  const { requestBody, responseBody } = await withBucketErrors(() => readBodies(MODELS, row));
  return { ...row, requestBody, responseBody };
}

/**
 * Makes the 404 for a request. It says when to try again if the request may still be on its way to the log.
 * @param caller name of the key whose requests were searched; null if all were
 */
export function createRequestNotFound(
  noun: "prediction" | "request",
  id: string,
  caller: string | null = null,
): NotFound {
  const owner = caller === null ? "" : ` of the key ${caller}`;
  const counted = " A repeated request over a rate limit has no entry: that of the first one counts it.";
  const detail = `There is no ${noun} ${truncate(id)}${owner} in the log.${noun === "request" ? counted : ""}`;
  if (!isRecentId(id, Date.now())) return new NotFound(detail);
  return new NotFound(`${detail} It is new and can take a few seconds to appear. Try again.`, {
    headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
  });
}
