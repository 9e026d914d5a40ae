import { createMiddleware } from "hono/factory";
import { v7 as uuidv7 } from "uuid";
import type { AppEnv } from "../http/context.ts";

/**
 * Gives each request an id of the Worker's own making. A client's `x-request-id` is not taken: the id is
 * the log's key, and two clients may send the same.
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
    logsResponseBody: true,
    problems: [],
  });
  await next();
  c.header("x-request-id", id);
});
