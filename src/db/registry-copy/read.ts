import type { Background } from "../../lib/background.ts";
import { StaleCache } from "../../lib/stale-cache.ts";
import { COPY_PREFIX, parseCopy, parseCopyKey, type RegistryCopy } from "./schema.ts";

/** Other objects may be listed before the newest copy. */
const MAX_LISTED_OBJECTS = 20;
const READ_TIMEOUT_MS = 1_000;

/** The newest copy of the registry, or the reason why there is none. */
type FoundCopy = { readonly copy: RegistryCopy } | { readonly copy: null; readonly reason: string };

/** It has one entry. While the registry does not answer, the copy is read again every few seconds. */
const cachedCopies = new StaleCache<FoundCopy>({
  freshMs: 5_000,
  backgroundMs: 15_000,
  maxStaleMs: 300_000,
  maxEntries: 1,
});

/**
 * Reads the newest copy of the registry. A damaged copy counts as none: an older one could accept a key that was
 * revoked since.
 * @throws TimeoutError, and the errors of R2
 */
export async function readNewestCopy(bucket: R2Bucket, background: Background): Promise<FoundCopy> {
  const found = await cachedCopies.get("newest", {
    background,
    read: () => readFromBucket(bucket),
    maxWaitMs: READ_TIMEOUT_MS,
    onReadFailure: () => {},
  });
  return found ?? NO_COPY;
}

const NO_COPY: FoundCopy = { copy: null, reason: "the bucket has no copy of the registry" };

async function readFromBucket(bucket: R2Bucket): Promise<FoundCopy> {
  const { objects } = await bucket.list({ prefix: COPY_PREFIX, limit: MAX_LISTED_OBJECTS });
  const key = objects.map((object) => object.key).find((key) => parseCopyKey(key) !== null);
  if (key === undefined) return NO_COPY;
  const text = await (await bucket.get(key))?.text();
  const copy = text === undefined ? null : parseCopy(text, parseCopyKey(key)!);
  return copy === null ? { copy, reason: `the copy of the registry ${key} is damaged or deleted` } : { copy };
}
