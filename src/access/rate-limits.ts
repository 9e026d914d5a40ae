import { describeError } from "../db/errors.ts";
import type { AppContext } from "../http/context.ts";
import { TooManyRequests } from "../http/errors.ts";
import { ageMs } from "../lib/clock.ts";

/** The limits of wrangler.toml, and their periods in seconds: the binding itself does not tell. */
const PERIODS = { KEY_LIMIT: 10, ADDRESS_LIMIT: 10, FAILURE_LIMIT: 60 } as const;
const MOST_ADDRESSES = 1_000;

/** When an address was over the limit of wrong keys, as far as this isolate knows. */
const offenders = new Map<string, number>();

/** Counts a request against the key that it came with. @throws TooManyRequests */
export async function countKeyRequest(c: AppContext, name: string): Promise<void> {
  if (!(await isWithin(c, "KEY_LIMIT", name)))
    throw new TooManyRequests(`Too many requests came with the key ${name}.`, PERIODS.KEY_LIMIT);
}

/** Counts a request of a caller without a key. @throws TooManyRequests */
export async function countAddressRequest(c: AppContext): Promise<void> {
  if (!(await isWithin(c, "ADDRESS_LIMIT", addressOf(c))))
    throw new TooManyRequests("Too many requests came from your address.", PERIODS.ADDRESS_LIMIT);
}

/** Counts a key that is not valid. @throws TooManyRequests */
export async function countInvalidKey(c: AppContext): Promise<void> {
  const address = addressOf(c);
  if (await isWithin(c, "FAILURE_LIMIT", address)) return;
  offenders.delete(address);
  offenders.set(address, Date.now());
  const [oldest] = offenders.keys();
  if (offenders.size > MOST_ADDRESSES && oldest !== undefined) offenders.delete(oldest);
  throw tooManyFailures();
}

/**
 * To be called before a key is looked up that this isolate does not know: guessing must not keep the
 * registry busy. Callers whose key is known here are let through, also from such an address.
 * @throws TooManyRequests
 */
export function rejectBlockedAddress(c: AppContext): void {
  const since = offenders.get(addressOf(c));
  if (since !== undefined && ageMs(since) < PERIODS.FAILURE_LIMIT * 1000) throw tooManyFailures();
}

function tooManyFailures(): TooManyRequests {
  return new TooManyRequests("Too many wrong keys came from your address.", PERIODS.FAILURE_LIMIT);
}

/**
 * Whether a limit leaves room for one more. A limit that is not there or fails lets everybody through: it
 * protects from load, not from strangers, and a caller is better served late than refused by its fault.
 */
async function isWithin(c: AppContext, name: keyof typeof PERIODS, key: string): Promise<boolean> {
  const limiter: RateLimit | undefined = c.env[name];
  const setting: unknown = c.env.RATE_LIMITS;
  if (limiter === undefined || setting === "off") return true;
  try {
    const { success } = await limiter.limit({ key });
    return success;
  } catch (error) {
    c.var.requestContext.problems.push(`${name} did not answer: ${describeError(error)}`);
    return true;
  }
}

/** The caller's IPv4 address, or the /64 of its IPv6 address: a household or a server has a whole one. */
function addressOf(c: AppContext): string {
  const address = c.req.header("cf-connecting-ip") ?? "unknown";
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return groups.slice(0, 4).join(":");
}
