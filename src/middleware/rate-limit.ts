import { createMiddleware } from "hono/factory";
import { authenticate } from "../access/authorize.ts";
import { countAddressRequest, countInvalidKey, countKeyRequest } from "../access/rate-limits.ts";
import type { AppEnv } from "../http/context.ts";
import { Problem, Unauthorized } from "../http/errors.ts";

/** What watches whether the Worker is alive must never be told to wait. */
const EXEMPT = "/health";

/**
 * Finds out who calls, and counts the request against its key, or against its address where no valid key
 * came with it. What is wrong with a key is told where one is needed: see {@link authorize}.
 */
export const rateLimit = createMiddleware<AppEnv>(async (c, next) => {
  const key = c.req.path === EXEMPT ? null : await authenticate(c);
  c.set("key", key);
  if (key !== null && !(key instanceof Problem)) {
    c.var.requestContext.caller = key.name;
    await countKeyRequest(c, key.name);
  } else if (c.req.path !== EXEMPT) {
    if (key instanceof Unauthorized) await countInvalidKey(c);
    await countAddressRequest(c);
  }
  await next();
});
