import { deleteErasedIds, listErasedIdsBefore, recordErasedIds } from "../db/request-log/erased-requests.ts";
import { deleteOutcomes, listRelatedOutcomes } from "../db/request-log/outcomes.ts";
import { deleteRequests } from "../db/request-log/requests.ts";
import { timeOfId } from "../domain/request-id.ts";
import { eraseArchived, isArchivable, withArchiveLease } from "./archive/archive.ts";
import { DAY_MS } from "./archive/chunk.ts";
import { quarantineKey } from "./archive/quarantine.ts";
import { bodiesKey } from "./bodies.ts";
import { withBucketErrors } from "./from-bucket.ts";
import { DEAD_LETTER_PREFIX } from "./write/dead-letters.ts";

/**
 * How long a record can still be on its way: two weeks in the queue, two more in that of the dead letters,
 * and the attempts.
 */
const ON_ITS_WAY_MS = 30 * DAY_MS;
/** The bucket deletes 1,000 objects at once; a request can have three. */
const MOST_AT_ONCE = 300;

/** What there was of a request and is no more. */
export interface ErasedParts {
  readonly row: boolean;
  /** Bodies, dead letter, and row in the bucket. */
  readonly bodies: boolean;
  readonly deadLetter: boolean;
  readonly archived: boolean;
  readonly outcomes: number;
}

/**
 * Deletes everything that is kept of a request: with it what its stones sold for and the requests that told
 * so, and the outcome that it told itself. Its record is not written any more, should it still be on its
 * way. Traffic that it was counted in stays counted. Null where the archive is at work: it could be moving the
 * request just now.
 * @throws Unavailable where the bucket fails: asked again it goes on.
 */
export async function eraseRequest(env: Env, id: string, now = Date.now()): Promise<ErasedParts | null> {
  const outcomes = await listRelatedOutcomes(env.LOG_DB, id);
  const tellers = outcomes.filter(({ prediction }) => prediction === id).map((outcome) => outcome.id);
  const ids = [id, ...tellers];
  const archivable = (one: string) => isArchivable(env, one, now);
  const work = async (): Promise<ErasedParts> => {
    const known = ids.filter((one) => timeOfId(one) !== null);
    await recordErasedIds(env.LOG_DB, known, now);
    for (const teller of tellers) await forgetOne(env, teller, archivable(teller));
    if (outcomes.length > 0) await deleteOutcomes(env.LOG_DB, id);
    return { ...(await forgetOne(env, id, archivable(id))), outcomes: outcomes.length };
  };
  return ids.some(archivable) ? withArchiveLease(env.LOG_DB, now, work) : work();
}

async function forgetOne(
  { LOG_DB, MODELS }: Env,
  id: string,
  archivable: boolean,
): Promise<Omit<ErasedParts, "outcomes">> {
  const { bodies, letter, aside } = await keysOf(id);
  const deadLetter = (await Promise.all([letter, aside].map((key) => remove(MODELS, key)))).includes(true);
  const row = (await deleteRequests(LOG_DB, [id])) > 0;
  const archived = archivable && (await withBucketErrors(() => eraseArchived(MODELS, id)));
  return { row, deadLetter, archived, bodies: await remove(MODELS, bodies) };
}

/** The objects that a request can have of its own. */
async function keysOf(id: string) {
  return { bodies: bodiesKey(id), letter: `${DEAD_LETTER_PREFIX}${id}.json`, aside: await quarantineKey(id) };
}

function remove(bucket: R2Bucket, key: string): Promise<boolean> {
  return withBucketErrors(async () => {
    if ((await bucket.head(key)) === null) return false;
    await bucket.delete(key);
    return true;
  });
}

/**
 * Lets go of the ids of requests that were forgotten so long ago that no record of them can come any more,
 * and of objects that came after all. Returns how many ids those were.
 */
export async function deleteExpiredErasedIds(
  { LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">,
  now = Date.now(),
): Promise<number> {
  const ids = await listErasedIdsBefore(LOG_DB, now - ON_ITS_WAY_MS, MOST_AT_ONCE);
  if (ids.length === 0) return 0;
  const keys = await Promise.all(ids.map(keysOf));
  await MODELS.delete(keys.flatMap((one) => Object.values(one)));
  await deleteErasedIds(LOG_DB, ids);
  return ids.length;
}
