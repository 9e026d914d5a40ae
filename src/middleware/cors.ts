import type { Context } from "hono";
import { cors as honoCors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { countAddressRequest } from "../access/rate-limits.ts";
import type { AppEnv } from "../http/context.ts";

/** Chromium caches a preflight for at most two hours. */
const PREFLIGHT_MAX_AGE_SECONDS = 7200;

const setCorsHeaders = honoCors({
  origin: findAllowedOrigin,
  allowMethods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
  // Without a list, a preflight may ask for any header. Tracing tools and HTTP libraries add their own.
  exposeHeaders: [
    "content-disposition",
    "etag",
    "retry-after",
    "server-timing",
    "www-authenticate",
    "x-request-id",
  ],
  maxAge: PREFLIGHT_MAX_AGE_SECONDS,
});

/**
 * Lets pages of the origins in `CORS_ORIGINS` call the API. Keys are sent in a header that the page sets, so
 * no origin needs browser credentials.
 */
export const cors = createMiddleware<AppEnv>(async (c, next) => {
  if (c.req.method !== "OPTIONS") return setCorsHeaders(c, next);
  // Hono treats every OPTIONS request as a preflight. The route answers other OPTIONS requests with Allow.
  if (c.req.header("access-control-request-method") === undefined) return next();
  // The rate limit runs later, and a preflight comes without the key: it counts against its address here.
  await countAddressRequest(c);
  return setCorsHeaders(c, next);
});

/** `CORS_ORIGINS` lists origins, separated by commas or spaces; `*` allows every origin. */
function findAllowedOrigin(origin: string, c: Context<AppEnv>): string | null {
  const setting: unknown = c.env.CORS_ORIGINS;
  const allowed = typeof setting === "string" ? setting.split(/[\s,]+/).filter(Boolean) : [];
  if (allowed.includes("*")) return "*";
  return allowed.includes(origin) ? origin : null;
}
