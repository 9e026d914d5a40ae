import type { Context } from "hono";
import { cors as honoCors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { countAddressRequest } from "../access/rate-limits.ts";
import type { AppEnv } from "../http/context.ts";

/** Chromium keeps a preflight no longer, whatever it is told. */
const PREFLIGHT_SECONDS = 7200;

const answer = honoCors({
  origin: allowedOrigin,
  allowMethods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
  allowHeaders: ["authorization", "content-type", "if-match", "x-facet-key"],
  exposeHeaders: ["content-disposition", "etag", "retry-after", "server-timing", "x-request-id"],
  maxAge: PREFLIGHT_SECONDS,
});

/**
 * Lets pages of the origins in `CORS_ORIGINS` call the API; all others call it from their own origin alone.
 * Keys are sent in a header that a page sets itself, so that no origin needs credentials of the browser.
 */
export const cors = createMiddleware<AppEnv>(async (c, next) => {
  if (c.req.method !== "OPTIONS") return answer(c, next);
  // Hono takes every OPTIONS for a preflight; one that is none is answered with Allow, by its path.
  if (c.req.header("access-control-request-method") === undefined) return next();
  // It is answered here, before anything that counts requests: browsers send it without the key.
  await countAddressRequest(c);
  return answer(c, next);
});

/** `CORS_ORIGINS` names origins, separated by commas or blanks; `*` is any. */
function allowedOrigin(origin: string, c: Context<AppEnv>): string | null {
  const setting: unknown = c.env.CORS_ORIGINS;
  const allowed = typeof setting === "string" ? setting.split(/[\s,]+/).filter(Boolean) : [];
  if (allowed.includes("*")) return "*";
  return allowed.includes(origin) ? origin : null;
}
