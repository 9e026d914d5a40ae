import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { countAddressRequest } from "../access/rate-limits.ts";
import type { AppEnv } from "../http/context.ts";
import { EXPOSED_HEADERS, findAllowedOrigin } from "../http/responses.ts";

/** Chromium caches a preflight for at most two hours. */
const PREFLIGHT_MAX_AGE_SECONDS = 7200;

const answerPreflight = cors({
  origin: (origin, c) => findAllowedOrigin(c, origin),
  allowMethods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
  // Without a list, a preflight may ask for any header. Tracing tools and HTTP libraries add their own.
  exposeHeaders: EXPOSED_HEADERS,
  maxAge: PREFLIGHT_MAX_AGE_SECONDS,
});

/**
 * Lets pages of the origins in `CORS_ORIGINS` call the API: answers the OPTIONS request that a browser sends
 * before.
 */
export const preflight = createMiddleware<AppEnv>(async (c, next) => {
  // Hono treats every OPTIONS request as a preflight. The route answers other OPTIONS requests with Allow.
  if (c.req.header("access-control-request-method") === undefined) return next();
  // The rate limit runs later, and a preflight comes without the key: it counts against its address here.
  await countAddressRequest(c);
  return answerPreflight(c, next);
});
