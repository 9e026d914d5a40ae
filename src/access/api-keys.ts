import { describeError } from "../db/errors.ts";
import { registryAvailability } from "../db/registry/availability.ts";
import { type ApiKey, findKey, recordKeyUse } from "../db/registry/keys.ts";
import { openPrimary, type Queryable } from "../db/sessions.ts";
import type { AppContext } from "../http/context.ts";
import { ServiceUnavailable } from "../http/errors.ts";
import { getRegistryWaitMs } from "../http/registry.ts";
import { findInCopy } from "../http/registry-copy.ts";
import { sha256 } from "../lib/sha256.ts";
import { evictOldest, StaleCache } from "../lib/stale-cache.ts";
import { ageMs } from "../lib/time.ts";
import { rejectBlockedAddress } from "./rate-limits.ts";

const MAX_CACHED_KEYS = 1_000;
const USE_RECORD_INTERVAL_MS = 60_000;

/** Keys by their hash. A revoked key works for up to `backgroundMs`, or `maxStaleMs` if the registry fails. */
const cachedKeys = new StaleCache<ApiKey>({
  freshMs: 5_000,
  backgroundMs: 15_000,
  maxStaleMs: 300_000,
  absentMs: 10_000,
  maxEntries: MAX_CACHED_KEYS,
  availability: registryAvailability,
});
/** When the use of a key was last recorded, by the key's hash. */
const useRecordedAt = new Map<string, number>();

/**
 * Finds the key that a caller sent, valid or not; null if no such key exists. The cache answers for a few
 * seconds, and for a few minutes while the registry is unavailable. Then its copy in the bucket answers.
 * @throws ServiceUnavailable when the registry is unavailable and the key is neither cached nor in the copy.
 * @throws TooManyRequests when the key is not cached and the address is blocked for too many invalid keys.
 */
export async function findApiKey(c: AppContext, token: string): Promise<ApiKey | null> {
  const hash = await sha256(token);
  if (!cachedKeys.canAnswer(hash)) rejectBlockedAddress(c);
  const key = await cachedKeys
    .get(hash, {
      background: c.executionCtx,
      read: () => readKey(openPrimary(c.env.DB), hash),
      maxWaitMs: getRegistryWaitMs(c),
      onReadFailure: (error) =>
        c
          .get("requestContext")
          .diagnostics.push(`the registry did not answer for the key: ${describeError(error)}`),
      findSubstitute: () => findInCopy(c, (copy) => copy.keys.find((key) => key.hash === hash)),
    })
    .catch((error: unknown) => {
      throw new ServiceUnavailable(
        "Keys cannot be checked at the moment. Try again in a few seconds.",
        error,
      );
    });
  if (key !== null) recordUse(c, key);
  return key;
}

async function readKey(db: Queryable, hash: string): Promise<ApiKey | null> {
  const key = await findKey(db, hash);
  return key !== null && isSameHash(key.hash, hash) ? key : null;
}

/** Records the use of a key in the registry at most once a minute. A failure does not affect the request. */
function recordUse(c: AppContext, { hash, name, revokedAt }: ApiKey): void {
  const now = Date.now();
  if (ageMs(useRecordedAt.get(hash) ?? 0) < USE_RECORD_INTERVAL_MS || revokedAt !== null) return;
  useRecordedAt.delete(hash);
  useRecordedAt.set(hash, now);
  evictOldest(useRecordedAt, MAX_CACHED_KEYS);
  const recorded = recordKeyUse(c.env.DB, hash, new Date(now), new Date(now - USE_RECORD_INTERVAL_MS));
  c.executionCtx.waitUntil(
    recorded.catch((error: unknown) =>
      console.warn(`the use of the key ${name} could not be recorded: ${describeError(error)}`),
    ),
  );
}

/** Compares in constant time, so that the duration does not reveal how much of a hash is right. */
function isSameHash(stored: string, sent: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(stored), encoder.encode(sent)];
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b);
}
