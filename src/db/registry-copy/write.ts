import { openPrimary } from "../sessions.ts";
import {
  buildCopy,
  COPY_PREFIX,
  COPY_QUERIES,
  formatCopy,
  parseCopyKey,
  type RegistryCopy,
  toCopyKey,
} from "./schema.ts";

type Bindings = Pick<Env, "DB" | "MODELS">;

/** How many copies stay in the bucket: a reader may have listed a key just before a newer copy was written. */
const MAX_COPIES = 5;

/** Makes the revision greater than ?1. */
const RAISE_REVISION = `INSERT INTO registry_revision (id, revision) VALUES (1, ?1 + 1)
  ON CONFLICT (id) DO UPDATE SET revision = max(revision, ?1) + 1`;

/**
 * Writes a copy of the registry to the bucket, unless the newest copy is equal to the registry.
 * @returns whether a copy was written
 */
export async function updateRegistryCopy(bindings: Bindings): Promise<boolean> {
  return writeCopy(bindings, (await listRevisions(bindings.MODELS))[0] ?? null);
}

/** Does the same, and deletes old copies. A scheduled job repairs in this way what a writer could not finish. */
export async function repairRegistryCopy(bindings: Bindings): Promise<boolean> {
  const revisions = await listRevisions(bindings.MODELS);
  const isWritten = await writeCopy(bindings, revisions[0] ?? null);
  const old = revisions.slice(MAX_COPIES - (isWritten ? 1 : 0));
  if (old.length > 0) await bindings.MODELS.delete(old.map(toCopyKey));
  return isWritten;
}

/** The revisions of the copies in the bucket, newest first. Other objects are ignored. */
async function listRevisions(bucket: R2Bucket): Promise<number[]> {
  const { objects } = await bucket.list({ prefix: COPY_PREFIX });
  return objects.flatMap(({ key }) => parseCopyKey(key) ?? []);
}

/**
 * The revision of D1 is read after the newest copy was listed. It only grows, so it is smaller than that of a
 * copy only if the database was restored to an earlier state, and it then gets greater than that of any copy.
 * The same happens if the newest copy is damaged, or was written before a restore.
 */
async function writeCopy({ DB, MODELS }: Bindings, newest: number | null): Promise<boolean> {
  let copy = await readRegistry(DB);
  if (newest === null && copy.models.length === 0 && copy.keys.length === 0) return false;
  if (newest !== null && newest >= copy.revision) {
    if (newest === copy.revision && (await readText(MODELS, newest)) === formatCopy(copy)) return false;
    copy = await readRegistry(DB, newest);
  }
  await MODELS.put(toCopyKey(copy.revision), formatCopy(copy));
  return true;
}

/**
 * Reads the registry in one transaction.
 * @param above the same transaction first makes the revision greater than this one
 */
async function readRegistry(db: D1Database, above: number | null = null): Promise<RegistryCopy> {
  const session = openPrimary(db);
  const statements = COPY_QUERIES.map((query) => session.prepare(query));
  if (above !== null) statements.unshift(session.prepare(RAISE_REVISION).bind(above));
  const results = await session.batch<Record<string, unknown>>(statements);
  return buildCopy(results.slice(-COPY_QUERIES.length).map((result) => result.results));
}

async function readText(bucket: R2Bucket, revision: number): Promise<string | null> {
  const object = await bucket.get(toCopyKey(revision));
  return object === null ? null : object.text();
}
