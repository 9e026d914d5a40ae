/**
 * Reads of the registry with a time limit, so that a registry that never answers leads to a quick 503 or to an
 * answer without the details that need it.
 */
import { registryAvailability } from "../db/registry/availability.ts";
import { openPrimary, openReplica, type Queryable, readReplicaFirst } from "../db/sessions.ts";
import { withTimeout } from "../lib/timeout.ts";
import type { AppContext, LookupContext } from "./context.ts";

/** A request waits for the registry until this time after its arrival. The caller has a 503 within two seconds. */
const DEADLINE_MS = 1_900;
/** For a read after the deadline: the time may have passed with the body of the request, or with a model file. */
const MIN_WAIT_MS = 1_000;

/** How long a request may still wait for the registry. */
export function getRegistryWaitMs(c: LookupContext): number {
  const remainingMs = c.get("requestContext").at + DEADLINE_MS - Date.now();
  const minMs = registryAvailability.failure === null ? MIN_WAIT_MS : 0;
  return Math.min(DEADLINE_MS, Math.max(minMs, remainingMs));
}

/** Reads what may be a moment old. @throws TimeoutError, and the errors of `read` */
export function readReplica<T>(c: AppContext, read: (db: Queryable) => Promise<T>): Promise<T> {
  return withTimeout(getRegistryWaitMs(c), read(openReplica(c.env.DB)));
}

/** Reads what a change is decided on. @throws TimeoutError, and the errors of `read` */
export function readPrimary<T>(c: AppContext, read: (db: Queryable) => Promise<T>): Promise<T> {
  return withTimeout(getRegistryWaitMs(c), read(openPrimary(c.env.DB)));
}

/** Reads what never changes, see {@link readReplicaFirst}. @throws TimeoutError, and the errors of `read` */
export function readImmutable<T>(
  c: AppContext,
  read: (db: Queryable) => Promise<T>,
  isMissing?: (result: T) => boolean,
): Promise<T> {
  return withTimeout(getRegistryWaitMs(c), readReplicaFirst(c.env.DB, read, isMissing));
}
