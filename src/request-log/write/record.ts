import { matchedRoutes } from "hono/route";
import type { RequestRecord } from "../../db/request-log/requests.ts";
import type { AppContext } from "../../http/context.ts";

/** What is kept of the body of a request that was anybody's. */
const BEGINNING_BYTES = 8_192;

/** The log's record of a request that was answered; the response's body is added when it has been read. */
export function toRecord(c: AppContext, durationMs: number): Omit<RequestRecord, "responseBody"> {
  const { requestContext: exchange } = c.var;
  const { text: requestBody, problem } = bodyOf(c);
  const problems = [...exchange.problems, ...problem];
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
    requestBody,
    model: exchange.model?.name ?? null,
    modelVersion: exchange.model?.version ?? null,
    price: exchange.price,
    caller: exchange.caller,
    userAgent: c.req.header("user-agent") ?? null,
    country: text(cf?.country),
    colo: text(cf?.colo),
    problem: problems.length > 0 ? problems.join("; ") : null,
  };
}

/**
 * The request's body; its beginning alone where anybody could have sent it, so that nobody without a key can
 * fill the log.
 */
function bodyOf(c: AppContext): { text: string | null; problem: string[] } {
  const { body } = c.var.requestContext;
  if (body === null) return { text: null, problem: [] };
  if (body.byteLength <= BEGINNING_BYTES || !isAnybodys(c))
    return { text: new TextDecoder().decode(body), problem: [] };
  // As a stream, so that a character that is cut through is left out.
  const text = new TextDecoder().decode(body.subarray(0, BEGINNING_BYTES), { stream: true });
  return { text, problem: [`the first ${BEGINNING_BYTES} of its body's ${body.byteLength} bytes are kept`] };
}

/** Whether a request was answered before it mattered whose it was. */
function isAnybodys(c: AppContext): boolean {
  const { status } = c.res;
  if (status === 404) return routeOf(c) === null;
  if (status === 413) return c.var.requestContext.caller === null;
  return [401, 403, 405, 429].includes(status) || c.req.method === "OPTIONS";
}

/** The pattern of the endpoint that answered; the middleware's own patterns end in an asterisk. */
function routeOf(c: AppContext): string | null {
  return matchedRoutes(c).find(({ path }) => !path.endsWith("*"))?.path ?? null;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
