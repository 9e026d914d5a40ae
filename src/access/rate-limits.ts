import ipaddr from "ipaddr.js";
import { describeError } from "../db/errors.ts";
import { HEALTH_ROUTE } from "../domain/routes.ts";
import type { AppContext } from "../http/context.ts";
import { TooManyRequests } from "../http/errors.ts";
import { evictOldest } from "../lib/stale-cache.ts";
import { ageMs, MINUTE_MS } from "../lib/time.ts";
import { RATE_LIMIT_PERIODS_SECONDS } from "../settings/rate-limits.ts";

/** Cloudflare always sends the address. Without it, callers cannot be told apart. */
const UNKNOWN_ADDRESS = "unknown";
const MAX_BLOCKED_ADDRESSES = 1_000;
const MAX_COUNTED_ADDRESSES = 1_000;
/** How many health checks of an address have a row of their own in a minute. */
const MAX_HEALTH_ROWS = 200;

/** When an address last exceeded the limit of invalid keys in this isolate. */
const blockedSince = new Map<string, number>();

/** The health checks of each address in its newest minute. */
const healthChecks = new Map<string, { readonly minute: number; readonly count: number }>();

/** Counts a request against its key. @throws TooManyRequests */
export async function countKeyRequest(c: AppContext, name: string): Promise<void> {
  if (!(await isWithinLimit(c, "KEY_LIMIT", () => name)))
    throw new TooManyRequests(
      `Too many requests with the key ${name}.`,
      RATE_LIMIT_PERIODS_SECONDS.KEY_LIMIT,
    );
}

/** Counts a request without a key against its address. @throws TooManyRequests */
export async function countAddressRequest(c: AppContext): Promise<void> {
  if (!(await isWithinLimit(c, "ADDRESS_LIMIT", () => findAddress(c))))
    throw new TooManyRequests(
      "Too many requests from your address.",
      RATE_LIMIT_PERIODS_SECONDS.ADDRESS_LIMIT,
    );
}

/** Counts an invalid key against its address. @throws TooManyRequests */
export async function countInvalidKey(c: AppContext): Promise<void> {
  const address = findAddress(c);
  if (await isWithinLimit(c, "FAILURE_LIMIT", () => address)) return;
  blockedSince.delete(address);
  blockedSince.set(address, Date.now());
  evictOldest(blockedSince, MAX_BLOCKED_ADDRESSES);
  throw createTooManyInvalidKeys();
}

/**
 * Rejects an address that sent too many invalid keys. Call it before the lookup of a key that is not cached:
 * a caller who guesses keys must not load the registry. Cached keys still work from a blocked address.
 * @throws TooManyRequests
 */
export function rejectBlockedAddress(c: AppContext): void {
  const address = findAddress(c);
  const since = blockedSince.get(address);
  if (since === undefined || ageMs(since) >= RATE_LIMIT_PERIODS_SECONDS.FAILURE_LIMIT * 1000) return;
  shareLogRow(c, "FAILURE_LIMIT", address);
  throw createTooManyInvalidKeys();
}

/**
 * Counts a health check of an address in this isolate. It is never rejected, but above a number a minute it shares
 * a row of the log, so that a flood of them cannot fill it.
 */
export function countHealthCheck(c: AppContext): void {
  const address = findAddress(c);
  if (address === UNKNOWN_ADDRESS || !hasRateLimits(c.env)) return;
  const minute = Math.floor(Date.now() / MINUTE_MS);
  const previous = healthChecks.get(address);
  const count = previous?.minute === minute ? previous.count + 1 : 1;
  healthChecks.delete(address);
  healthChecks.set(address, { minute, count });
  evictOldest(healthChecks, MAX_COUNTED_ADDRESSES);
  if (count > MAX_HEALTH_ROWS) shareLogRow(c, HEALTH_ROUTE, address);
}

function shareLogRow(c: AppContext, reason: string, caller: string): void {
  c.get("requestContext").repeatKey = `${reason} ${caller}`;
}

function createTooManyInvalidKeys(): TooManyRequests {
  return new TooManyRequests(
    "Too many requests with invalid keys from your address.",
    RATE_LIMIT_PERIODS_SECONDS.FAILURE_LIMIT,
  );
}

/** Only `RATE_LIMITS = "off"` turns all limits off. */
function hasRateLimits(env: Env): boolean {
  const setting: unknown = env.RATE_LIMITS;
  return setting !== "off";
}

/**
 * Counts one request and returns whether it is within the limit. A missing or failing limiter lets the
 * request pass: the limits protect from load, and an outage of the limiter must not reject valid callers.
 */
async function isWithinLimit(
  c: AppContext,
  name: keyof typeof RATE_LIMIT_PERIODS_SECONDS,
  findKey: () => string,
): Promise<boolean> {
  const limiter: RateLimit | undefined = c.env[name];
  if (limiter === undefined || !hasRateLimits(c.env)) return true;
  try {
    const key = findKey();
    const { success } = await limiter.limit({ key });
    if (!success) shareLogRow(c, name, key);
    return success;
  } catch (error) {
    c.get("requestContext").diagnostics.push(`${name} did not answer: ${describeError(error)}`);
    return true;
  }
}

/** The caller's IPv4 address, or the /64 of its IPv6 address: one household or server usually has a /64. */
function findAddress(c: AppContext): string {
  const address = c.req.header("cf-connecting-ip") ?? UNKNOWN_ADDRESS;
  if (!ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  const network = parsed.parts.slice(0, 4);
  return network.map((part) => part.toString(16)).join(":");
}
