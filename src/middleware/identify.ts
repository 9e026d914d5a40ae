import { createMiddleware } from "hono/factory";
import { rejectUnknownHost } from "../access/allowed-hosts.ts";
import { authenticateRequest } from "../access/authenticate.ts";
import {
  countAddressRequest,
  countHealthCheck,
  countInvalidKey,
  countKeyRequest,
} from "../access/rate-limits.ts";
import { HEALTH_ROUTE } from "../domain/routes.ts";
import type { AppEnv } from "../http/context.ts";
import { Problem, Unauthorized } from "../http/errors.ts";

/**
 * Identifies the caller by its key, and counts the request against the key, or against the address without a
 * valid key. An invalid key is not rejected here but in `authorize`, because some routes need no key.
 */
export const identify = createMiddleware<AppEnv>(async (c, next) => {
  c.set("apiKey", null);
  rejectUnknownHost(c);
  // The health check reads no key: it must answer while the registry is unavailable. And a rate limit must
  // never reject a monitoring tool.
  if (c.req.path === HEALTH_ROUTE) {
    countHealthCheck(c);
    return next();
  }
  const apiKey = await authenticateRequest(c);
  c.set("apiKey", apiKey);
  if (apiKey !== null && !(apiKey instanceof Problem)) {
    c.get("requestContext").caller = apiKey.name;
    await countKeyRequest(c, apiKey.name);
  } else {
    if (apiKey instanceof Unauthorized) await countInvalidKey(c);
    await countAddressRequest(c);
  }
  return next();
});
