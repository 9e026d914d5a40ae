import type { Scope } from "../domain/access.ts";
import type { AppContext } from "../http/context.ts";
import { Forbidden, Problem, Unauthorized } from "../http/errors.ts";

/** Whether callers without a key may use all but administration. Only `ACCESS = "open"` allows it. */
export function isAnonymousAllowed(env: Env): boolean {
  const access: unknown = env.ACCESS;
  return access === "open";
}

/** Whether the server needs a key and the request has no valid one. Anybody can send such a request. */
export function isStranger(c: AppContext): boolean {
  return c.get("requestContext").caller === null && !isAnonymousAllowed(c.env);
}

/**
 * Checks that a request may do what a scope allows. An invalid key is rejected even if no key is needed,
 * because a caller who sends a key expects to be identified by it.
 * @throws Unauthorized, Forbidden, ServiceUnavailable
 */
export function authorize(c: AppContext, scope: Scope): void {
  const isKeyOptional = scope !== "admin" && isAnonymousAllowed(c.env);
  const apiKey = c.get("apiKey");
  if (apiKey === null) {
    if (isKeyOptional) return;
    throw new Unauthorized(Unauthorized.kind.example, { sent: false });
  }
  if (apiKey instanceof Problem) throw apiKey;
  if (!isKeyOptional && !apiKey.scopes.includes(scope)) throw new Forbidden(apiKey.name, scope);
}

/** Whether the caller has a valid key with a scope. */
export function hasScope(c: AppContext, scope: Scope): boolean {
  const apiKey = c.get("apiKey");
  return apiKey !== null && !(apiKey instanceof Problem) && apiKey.scopes.includes(scope);
}
