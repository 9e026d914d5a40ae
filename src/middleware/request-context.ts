import { createMiddleware } from "hono/factory";
import { createRequestId } from "../domain/request-id.ts";
import type { AppEnv } from "../http/context.ts";
import { completeHeaders } from "../http/responses.ts";

/**
 * Creates the context of a request, with an id of its own. The Worker ignores a client's `x-request-id`,
 * because the id is the primary key of the log and two clients may send the same one.
 */
export const requestContext = createMiddleware<AppEnv>(async (c, next) => {
  const at = Date.now();
  c.set("requestContext", {
    id: createRequestId(at),
    at,
    startedAt: performance.now(),
    body: null,
    route: null,
    caller: null,
    model: null,
    price: null,
    shadow: null,
    logsResponseBody: false,
    answer: null,
    diagnostics: [],
  });
  await next();
  completeHeaders(c);
});
