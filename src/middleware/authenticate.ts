import { createMiddleware } from "hono/factory";
import { authenticateRequest } from "../access/authenticate.ts";
import { HEALTH_ROUTE } from "../domain/routes.ts";
import type { AppEnv } from "../http/context.ts";
import { Problem } from "../http/errors.ts";

/**
 * Identifies the caller by its key. An invalid key is not rejected here but in `authorize`, because some
 * routes need no key. The health check reads no key: it must answer while the registry is unavailable.
 */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  const apiKey = c.req.path === HEALTH_ROUTE ? null : await authenticateRequest(c);
  c.set("apiKey", apiKey);
  if (apiKey !== null && !(apiKey instanceof Problem)) c.get("requestContext").caller = apiKey.name;
  await next();
});
