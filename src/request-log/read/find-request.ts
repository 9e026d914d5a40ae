import { type RequestRecord, readRequest } from "../../db/request-log/requests.ts";
import { findArchived } from "../archive/archived-request.ts";
import { readBodies } from "../bodies.ts";
import { withBucketErrors } from "../bucket-errors.ts";
import { isArchivable } from "../retained-days.ts";

/**
 * Finds a request with its full bodies, in the table or in the archive; null if it is in neither.
 * @throws ServiceUnavailable if the bucket is needed and fails.
 */
export async function findRequest(env: Env, id: string): Promise<RequestRecord | null> {
  const { LOG_DB, MODELS } = env;
  const row =
    (await readRequest(LOG_DB, id)) ??
    (isArchivable(env, id, Date.now()) ? await withBucketErrors(() => findArchived(MODELS, id)) : null);
  if (row === null) return null;
  const { requestBody, responseBody } = await withBucketErrors(() => readBodies(MODELS, row));
  return { ...row, requestBody, responseBody };
}
