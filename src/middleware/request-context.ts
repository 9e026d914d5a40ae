import { createMiddleware } from "hono/factory";
import { v7 as uuidv7 } from "uuid";
import type { AppEnv } from "../http/context.ts";

/**
 * Creates the context of a request, with an id of its own. The Worker ignores a client's `x-request-id`,
 * because the id is the primary key of the log and two clients may send the same one.
 */
export const requestContext = createMiddleware<AppEnv>(async (c, next) => {
  const at = Date.now();
  const id = uuidv7({ msecs: at });
  c.set("requestContext", {
    id,
    at,
    body: null,
    caller: null,
    model: null,
    price: null,
    shadow: null,
    logsResponseBody: false,
    diagnostics: [],
  });
  await next();
  c.header("x-request-id", id);
});
