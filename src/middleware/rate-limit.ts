import { createMiddleware } from "hono/factory";
import { readSentKey } from "../access/authorize.ts";
import { countAddress, countFailure, countKey } from "../access/rate-limits.ts";
import type { App } from "../http/context.ts";
import { Problem, Unauthenticated } from "../http/errors.ts";

/** What watches whether the Worker is alive must never be told to wait. */
const EXEMPT = "/health";

/**
 * Finds out who calls, and counts the request against its key, or against its address where no valid key
 * came with it. What is wrong with a key is told where one is needed: see {@link authorize}.
 */
export const throttle = createMiddleware<App>(async (c, next) => {
  const key = c.req.path === EXEMPT ? null : await readSentKey(c);
  c.set("key", key);
  if (key !== null && !(key instanceof Problem)) {
    c.var.exchange.caller = key.name;
    await countKey(c, key.name);
  } else if (c.req.path !== EXEMPT) {
    if (key instanceof Unauthenticated) await countFailure(c);
    await countAddress(c);
  }
  await next();
});
