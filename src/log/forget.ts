import { deleteOutcomes, listOutcomes } from "../db/outcomes.ts";
import { deleteRequests } from "../db/requests.ts";
import { exclusively, forgetArchived, isArchivable } from "./archive.ts";
import { bodiesKey } from "./bodies.ts";
import { DEAD_LETTERS, REJECTED } from "./dead-letter.ts";
import { fromBucket } from "./from-bucket.ts";

/** What there was of a request and is no more. */
export interface Forgotten {
  readonly row: boolean;
  /** Bodies, dead letter, and row in the bucket. */
  readonly bodies: boolean;
  readonly deadLetter: boolean;
  readonly archived: boolean;
  readonly outcomes: number;
}

/**
 * Deletes everything that is kept of a request, and with it what its stones sold for and the requests that
 * told so. What was counted of it stays counted. Null where the archive is at work: it could be moving the
 * request just now.
 * @throws Unavailable where the bucket fails: asked again it goes on.
 */
export async function forget(env: Env, id: string, now = Date.now()): Promise<Forgotten | null> {
  const archivable = (one: string) => isArchivable(env, one, now);
  const outcomes = await listOutcomes(env.LOG_DB, id);
  const ids = [id, ...outcomes.map((outcome) => outcome.id)];
  const work = async (): Promise<Forgotten> => {
    for (const outcome of outcomes) await forgetOne(env, outcome.id, archivable(outcome.id));
    if (outcomes.length > 0) await deleteOutcomes(env.LOG_DB, id);
    return { ...(await forgetOne(env, id, archivable(id))), outcomes: outcomes.length };
  };
  return ids.some(archivable) ? exclusively(env.LOG_DB, now, work) : work();
}

async function forgetOne(
  { LOG_DB, MODELS }: Env,
  id: string,
  archivable: boolean,
): Promise<Omit<Forgotten, "outcomes">> {
  // The letter before the row: otherwise a drain in between would bring the row back.
  const letters = [`${DEAD_LETTERS}${id}.json`, `${REJECTED}${id}.json`];
  const deadLetter = (await Promise.all(letters.map((key) => remove(MODELS, key)))).includes(true);
  const row = (await deleteRequests(LOG_DB, [id])) > 0;
  const archived = archivable && (await fromBucket(() => forgetArchived(MODELS, id)));
  return { row, deadLetter, archived, bodies: await remove(MODELS, bodiesKey(id)) };
}

function remove(bucket: R2Bucket, key: string): Promise<boolean> {
  return fromBucket(async () => {
    if ((await bucket.head(key)) === null) return false;
    await bucket.delete(key);
    return true;
  });
}
