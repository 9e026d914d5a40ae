import { describeError } from "../db/errors.ts";
import { type ApiKey, findKey, recordKeyUse } from "../db/registry/keys.ts";
import type { AppContext } from "../http/context.ts";
import { ServiceUnavailable } from "../http/errors.ts";
import { ageMs } from "../lib/clock.ts";
import { sha256 } from "../lib/sha256.ts";
import { evictOldest, StaleCache } from "../lib/stale-cache.ts";
import { rejectBlockedAddress } from "./rate-limits.ts";

const MOST_KEYS = 1_000;
const TOUCH_MS = 60_000;

/** Keys by their hash. `freshMs` is the longest that a revoked one goes on. */
const keys = new StaleCache<ApiKey>({
  freshMs: 10_000,
  longestMs: 300_000,
  absentMs: 10_000,
  most: MOST_KEYS,
});
/** When the use of a key was last noted, by its hash. */
const touched = new Map<string, number>();

/**
 * The key that a caller sent, whether it is still valid or not; null where there is no such key. What was
 * found is kept for some seconds; keys that were valid go on for some minutes while the registry cannot
 * be reached.
 * @throws Unavailable where the registry cannot be reached and the key is not known; TooManyRequests where
 * too many that do not exist came from there.
 */
export async function findApiKey(c: AppContext, sent: string): Promise<ApiKey | null> {
  const hash = await sha256(sent);
  if (!keys.canAnswer(hash)) rejectBlockedAddress(c);
  const key = await keys
    .get(
      hash,
      c.executionCtx,
      () => readKey(c.env.DB, hash),
      (error) =>
        c.var.requestContext.problems.push(
          `the registry did not answer about the key: ${describeError(error)}`,
        ),
    )
    .catch((error: unknown) => {
      throw new ServiceUnavailable(
        "Keys cannot be checked at the moment. Try again in a few seconds.",
        error,
      );
    });
  if (key !== null) touch(c, key);
  return key;
}

async function readKey(db: D1Database, hash: string): Promise<ApiKey | null> {
  const key = await findKey(db, hash);
  return key !== null && sameHash(key.hash, hash) ? key : null;
}

/** Notes the use of a key in the registry, at most once a minute; that it fails is no fault of the request. */
function touch(c: AppContext, { hash, name, revokedAt }: ApiKey): void {
  const now = Date.now();
  if (ageMs(touched.get(hash) ?? 0) < TOUCH_MS || revokedAt !== null) return;
  touched.delete(hash);
  touched.set(hash, now);
  evictOldest(touched, MOST_KEYS);
  const noted = recordKeyUse(c.env.DB, hash, new Date(now), new Date(now - TOUCH_MS));
  c.executionCtx.waitUntil(
    noted.catch((error: unknown) =>
      console.warn(`the use of the key ${name} was not noted: ${describeError(error)}`),
    ),
  );
}

/** Compares in a time that says nothing of where two hashes differ. */
function sameHash(stored: string, sent: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(stored), encoder.encode(sent)];
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b);
}
