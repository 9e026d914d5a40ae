import { messages } from "../db/failure.ts";
import { findKey, type Key, touchKey } from "../db/keys.ts";
import { elapsed } from "../domain/clock.ts";
import { sha256 } from "../domain/sha256.ts";
import type { AppContext } from "../http/context.ts";
import { Unavailable } from "../http/problem.ts";
import { Flights, within } from "../inference/flight.ts";
import { refuseOffender } from "./rate.ts";

/** How long the isolate trusts what it has read of a key: the longest that a revoked one goes on. */
const FRESH_MS = 10_000;
/** How long it does so again where the registry does not answer, before it asks once more. */
const STALE_MS = 1_000;
/** The longest that a key goes on without the registry. */
const LONGEST_MS = 300_000;
/** How long it waits for the registry: shorter where it knows an answer that will do. */
const PATIENCE_MS = { known: 1_000, unknown: 10_000 };
const TOUCH_MS = 60_000;
const MOST_KEYS = 1_000;

interface Known {
  readonly key: Key;
  readonly readAt: number;
  /** When it was last asked for, and for how long that will do. */
  askedAt: number;
  freshMs: number;
  touchedAt: number;
}

/** Keys by their hash. Those that do not exist are kept apart: many of them push out no key that does. */
const known = new Map<string, Known>();
const unknown = new Map<string, { readonly readAt: number }>();
const flights = new Flights<{ readonly key: Key | null; readonly readAt: number }>();

/**
 * The key that a caller sent, whether it is still valid or not; null where there is no such key. What was
 * found is kept for some seconds; keys that were valid go on for some minutes while the registry cannot
 * be reached.
 * @throws Unavailable where the registry cannot be reached and the key is not known; TooManyRequests where
 * too many that do not exist came from there.
 */
export async function findSentKey(c: AppContext, sent: string): Promise<Key | null> {
  const hash = await sha256(sent);
  const before = known.get(hash);
  if (before !== undefined && elapsed(before.askedAt) < before.freshMs) {
    touch(c, before);
    return before.key;
  }
  const missed = unknown.get(hash);
  if (missed !== undefined && elapsed(missed.readAt) < FRESH_MS) return null;
  if (before === undefined) refuseOffender(c);
  try {
    const search = flights.share(hash, c.executionCtx, async () => {
      const readAt = Date.now();
      return { key: await findKey(c.env.DB, hash), readAt };
    });
    const { key, readAt } = await within(before ? PATIENCE_MS.known : PATIENCE_MS.unknown, search);
    return keep(c, hash, key !== null && sameHash(key.hash, hash) ? key : null, readAt);
  } catch (error) {
    if (before === undefined || elapsed(before.readAt) > LONGEST_MS)
      throw new Unavailable("Keys cannot be checked at the moment. Try again in a few seconds.", error);
    before.askedAt = Date.now();
    before.freshMs = STALE_MS;
    c.var.exchange.problems.push(`the registry did not answer about the key: ${messages(error)}`);
    return before.key;
  }
}

function keep(c: AppContext, hash: string, key: Key | null, readAt: number): Key | null {
  const touchedAt = known.get(hash)?.touchedAt ?? 0;
  known.delete(hash);
  unknown.delete(hash);
  if (key === null) {
    unknown.set(hash, { readAt });
    bound(unknown);
    return null;
  }
  const entry = { key, readAt, askedAt: readAt, freshMs: FRESH_MS, touchedAt };
  known.set(hash, entry);
  bound(known);
  touch(c, entry);
  return key;
}

function bound(entries: Map<string, unknown>): void {
  const [oldest] = entries.keys();
  if (entries.size > MOST_KEYS && oldest !== undefined) entries.delete(oldest);
}

/** Notes the use of a key in the registry, at most once a minute; that it fails is no fault of the request. */
function touch(c: AppContext, entry: Known): void {
  const now = Date.now();
  if (elapsed(entry.touchedAt) < TOUCH_MS || entry.key.revokedAt !== null) return;
  entry.touchedAt = now;
  const noted = touchKey(c.env.DB, entry.key.hash, new Date(now), new Date(now - TOUCH_MS));
  c.executionCtx.waitUntil(
    noted.catch((error: unknown) =>
      console.warn(`the use of the key ${entry.key.name} was not noted: ${messages(error)}`),
    ),
  );
}

/** Compares in a time that says nothing of where two hashes differ. */
function sameHash(stored: string, sent: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(stored), encoder.encode(sent)];
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b);
}
