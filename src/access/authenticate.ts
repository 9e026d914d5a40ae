import type { ApiKey } from "../db/registry/keys.ts";
import { KEY_PATTERN } from "../domain/access.ts";
import type { AppContext } from "../http/context.ts";
import { ServiceUnavailable, Unauthorized } from "../http/errors.ts";
import { findApiKey } from "./api-keys.ts";

/**
 * Checks the key that a request carries. Returns the key, or the problem with it, or null when the request
 * carries none. The problem is returned and not thrown, because not every route needs a key.
 * @throws TooManyRequests when the address is blocked for too many invalid keys.
 */
export async function authenticateRequest(
  c: AppContext,
): Promise<ApiKey | Unauthorized | ServiceUnavailable | null> {
  const header = c.req.header("authorization");
  if (!header) return null;
  try {
    return await readValidKey(c, header);
  } catch (error) {
    if (error instanceof Unauthorized || error instanceof ServiceUnavailable) return error;
    throw error;
  }
}

async function readValidKey(c: AppContext, header: string): Promise<ApiKey> {
  const [, token] = /^Bearer +(\S+)$/i.exec(header) ?? [];
  if (token === undefined || !KEY_PATTERN.test(token))
    throw new Unauthorized("The Authorization header has no valid key. Send Authorization: Bearer facet_...");
  const key = await findApiKey(c, token);
  if (key === null) throw new Unauthorized("This key does not exist.");
  if (key.revokedAt !== null) throw rejectKey(c, key, "is revoked");
  // The comparison also rejects a key whose expiry date cannot be parsed.
  if (key.expiresAt !== null && !(Date.parse(key.expiresAt) > Date.now()))
    throw rejectKey(c, key, "has expired");
  return key;
}

function rejectKey(c: AppContext, key: ApiKey, reason: string): Unauthorized {
  c.get("requestContext").diagnostics.push(`the key ${key.name} ${reason}`);
  return new Unauthorized(`This key ${reason}. Ask for a new one.`);
}
