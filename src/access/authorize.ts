import type { ApiKey } from "../db/registry/keys.ts";
import { KEY_PATTERN, type Scope } from "../domain/access.ts";
import type { AppContext } from "../http/context.ts";
import { Forbidden, Problem, ServiceUnavailable, Unauthorized } from "../http/errors.ts";
import { findApiKey } from "./api-keys.ts";

/** Whether prices can be asked and stones sent without a key: only where `ACCESS` says just that. */
export function allowsAnonymous(env: Env): boolean {
  const access: unknown = env.ACCESS;
  return access === "open";
}

/**
 * Lets a request pass that may do what the scope names. A key that is not valid is refused also where none
 * is needed: whoever sends one means to be known by it.
 * @throws Unauthenticated, Forbidden, Unavailable
 */
export function authorize(c: AppContext, scope: Scope): void {
  const needless = scope !== "admin" && allowsAnonymous(c.env);
  const { key } = c.var;
  if (key === null) {
    if (needless) return;
    throw new Unauthorized(Unauthorized.kind.example, { sent: false });
  }
  if (key instanceof Problem) throw key;
  if (!needless && !key.scopes.includes(scope)) throw new Forbidden(key.name, scope);
}

/** The key that a request carries; why it cannot be taken; or null where it carries none. */
export async function authenticate(
  c: AppContext,
): Promise<ApiKey | Unauthorized | ServiceUnavailable | null> {
  const header = c.req.header("authorization");
  if (!header) return null;
  try {
    return await validKey(c, header);
  } catch (error) {
    if (error instanceof Unauthorized || error instanceof ServiceUnavailable) return error;
    throw error;
  }
}

async function validKey(c: AppContext, header: string): Promise<ApiKey> {
  const [, sent] = /^Bearer +(\S+)$/i.exec(header) ?? [];
  if (sent === undefined || !KEY_PATTERN.test(sent))
    throw new Unauthorized("What was sent is no key. Keys are sent as Authorization: Bearer facet_...");
  const key = await findApiKey(c, sent);
  if (key === null) throw new Unauthorized("This key is not known.");
  if (key.revokedAt !== null) throw refused(c, key, "is revoked");
  // A time that cannot be read is in the past.
  if (key.expiresAt !== null && !(Date.parse(key.expiresAt) > Date.now()))
    throw refused(c, key, "has expired");
  return key;
}

function refused(c: AppContext, key: ApiKey, why: string): Unauthorized {
  c.var.requestContext.problems.push(`the key ${key.name} ${why}`);
  return new Unauthorized(`This key ${why}. Ask for a new one.`);
}
