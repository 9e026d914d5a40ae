import { deleteErasedIds, listErasedIdsBefore, recordErasedIds } from "../db/request-log/erased-requests.ts";
import { deleteOutcomes, listRelatedOutcomes } from "../db/request-log/outcomes.ts";
import { deleteRequests } from "../db/request-log/requests.ts";
import { getIdTime } from "../domain/request-id.ts";
import { DAY_MS } from "../lib/time.ts";
import { MAX_ERASED_IDS_PER_RUN } from "../settings/call-budgets.ts";
import { ERASED_ID_RETENTION_DAYS } from "../settings/retention.ts";
import { eraseArchived } from "./archive/archived-request.ts";
import { withArchiveLease } from "./archive/lease.ts";
import { toBodiesKey } from "./bodies.ts";
import { withBucketErrors } from "./bucket-errors.ts";
import { toQuarantineKey } from "./quarantine.ts";
import { isArchivable } from "./retained-days.ts";
import { toDeadLetterKey } from "./write/dead-letters.ts";

/** The parts of a request that existed and were erased. */
export interface ErasedParts {
  readonly row: boolean;
  /** Its bodies in the bucket. */
  readonly bodies: boolean;
  /** Its dead-letter record or its record in quarantine. */
  readonly deadLetter: boolean;
  readonly archived: boolean;
  readonly outcomes: number;
}

/**
 * Deletes everything that is stored about a request: also the outcomes of its stones, the outcome requests
 * that reported them, and the outcome that the request itself reported. If its record is still on the way to
 * the log, it will not be written. Hourly counts of requests do not change. Returns null while the archive is
 * being written, because the archive could be moving the request at that moment.
 * @throws ServiceUnavailable if the bucket fails. The same call then continues the erasure.
 */
export async function eraseRequest(env: Env, id: string, now = Date.now()): Promise<ErasedParts | null> {
  const outcomes = await listRelatedOutcomes(env.LOG_DB, id);
  const outcomeRequests = outcomes.filter(({ prediction }) => prediction === id).map((outcome) => outcome.id);
  const ids = [id, ...outcomeRequests];
  const isOld = (requestId: string) => isArchivable(env, requestId, now);
  const erase = async (): Promise<ErasedParts> => {
    // Only ids that hold a time can be on their way to the log.
    const validIds = ids.filter((requestId) => getIdTime(requestId) !== null);
    await recordErasedIds(env.LOG_DB, validIds, now);
    for (const requestId of outcomeRequests) await eraseOne(env, requestId, isOld(requestId));
    if (outcomes.length > 0) await deleteOutcomes(env.LOG_DB, id);
    return { ...(await eraseOne(env, id, isOld(id))), outcomes: outcomes.length };
  };
  return ids.some(isOld) ? withArchiveLease(env.LOG_DB, now, erase) : erase();
}

async function eraseOne(
  { LOG_DB, MODELS }: Env,
  id: string,
  isOld: boolean,
): Promise<Omit<ErasedParts, "outcomes">> {
  const keys = await listObjectKeys(id);
  const deadLetter = await Promise.all(
    [keys.deadLetter, keys.quarantine].map((key) => deleteObject(MODELS, key)),
  );
  const row = (await deleteRequests(LOG_DB, [id])) > 0;
  const archived = isOld && (await withBucketErrors(() => eraseArchived(MODELS, id)));
  return {
    row,
    deadLetter: deadLetter.includes(true),
    archived,
    bodies: await deleteObject(MODELS, keys.bodies),
  };
}

/** The objects in the bucket that belong to one request. */
async function listObjectKeys(id: string) {
  return { bodies: toBodiesKey(id), deadLetter: toDeadLetterKey(id), quarantine: await toQuarantineKey(id) };
}

/** Deletes an object. Returns whether it existed. */
function deleteObject(bucket: R2Bucket, key: string): Promise<boolean> {
  return withBucketErrors(async () => {
    if ((await bucket.head(key)) === null) return false;
    await bucket.delete(key);
    return true;
  });
}

/**
 * Deletes the ids of erased requests after {@link ERASED_ID_RETENTION_DAYS}, because no record of them can
 * arrive any more. Also deletes objects that were written after the erasure. Returns the number of ids.
 */
export async function deleteExpiredErasedIds(
  { LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">,
  now = Date.now(),
): Promise<number> {
  const expiredBefore = now - ERASED_ID_RETENTION_DAYS * DAY_MS;
  const ids = await listErasedIdsBefore(LOG_DB, expiredBefore, MAX_ERASED_IDS_PER_RUN);
  if (ids.length === 0) return 0;
  const keys = await Promise.all(ids.map(listObjectKeys));
  await MODELS.delete(keys.flatMap((requestKeys) => Object.values(requestKeys)));
  await deleteErasedIds(LOG_DB, ids);
  return ids.length;
}
