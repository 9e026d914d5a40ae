import { createMiddleware } from "hono/factory";
import { countAddressRequest, countInvalidKey, countKeyRequest } from "../access/rate-limits.ts";
import { HEALTH_ROUTE } from "../domain/routes.ts";
import type { AppContext, AppEnv } from "../http/context.ts";
import { Problem, Unauthorized } from "../http/errors.ts";

/** Counts a request against its key, or against its address when it has no valid key. */
export const rateLimit = createMiddleware<AppEnv>(async (c, next) => {
  // A rate limit must never reject a monitoring tool.
  if (c.req.path !== HEALTH_ROUTE) await countRequest(c);
  await next();
});

async function countRequest(c: AppContext): Promise<void> {
  const apiKey = c.get("apiKey");
  if (apiKey !== null && !(apiKey instanceof Problem)) return countKeyRequest(c, apiKey.name);
  if (apiKey instanceof Unauthorized) await countInvalidKey(c);
  await countAddressRequest(c);
}
