/** Where a read of D1 is answered. Without read replication, both kinds of session ask the primary. */
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

/** The part of a database that queries use. A session of a database has it too. */
export type Queryable = Pick<D1Database, "prepare" | "batch">;

/**
 * For what may be a moment old: the replica nearest to the caller answers. Later queries of the session are
 * never answered from an older state than earlier ones.
 */
export function openReplica(d1: D1Database): Queryable {
  return d1.withSession("first-unconstrained");
}

/** For what decides about keys and aliases, and for reads before a write. */
export function openPrimary(d1: D1Database): Queryable {
  return d1.withSession("first-primary");
}

/**
 * Reads what never changes once it is there, such as a model version. A replica may not have it yet, so the
 * primary is asked again before the result counts as missing.
 */
export async function readReplicaFirst<T>(
  d1: D1Database,
  read: (db: Queryable) => Promise<T>,
  isMissing: (result: T) => boolean = (result) => result === null || result === undefined,
): Promise<T> {
  const result = await read(openReplica(d1));
  return isMissing(result) ? read(openPrimary(d1)) : result;
}

/** Drizzle uses of a database only what a session has too. */
export function openDrizzle(db: Queryable): DrizzleD1Database {
  return drizzle(db as D1Database);
}
