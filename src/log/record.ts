import { matchedRoutes } from "hono/route";
import type { RequestRecord } from "../db/requests.ts";
import type { AppContext } from "../http/context.ts";

/** The log's record of a request that was answered; the response's body is added when it has been read. */
export function toRecord(c: AppContext, durationMs: number): Omit<RequestRecord, "responseBody"> {
  const { exchange } = c.var;
  const { pathname, search } = new URL(c.req.url);
  const cf = c.req.raw.cf;
  return {
    id: exchange.id,
    at: exchange.at,
    method: c.req.method,
    path: pathname,
    route: routeOf(c),
    query: search === "" ? null : search.slice(1),
    status: c.res.status,
    durationMs,
    requestBody: exchange.body && new TextDecoder().decode(exchange.body),
    model: exchange.model?.name ?? null,
    modelVersion: exchange.model?.version ?? null,
    price: exchange.price,
    caller: exchange.caller,
    userAgent: c.req.header("user-agent") ?? null,
    country: text(cf?.country),
    colo: text(cf?.colo),
    problem: exchange.problems.length > 0 ? exchange.problems.join("; ") : null,
  };
}

/** The pattern of the endpoint that answered; the middleware's own patterns end in an asterisk. */
function routeOf(c: AppContext): string | null {
  return matchedRoutes(c).find(({ path }) => !path.endsWith("*"))?.path ?? null;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
