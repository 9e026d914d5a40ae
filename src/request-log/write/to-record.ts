import type { RequestRecord } from "../../db/request-log/requests.ts";
import { type AppContext, findRoute } from "../../http/context.ts";

/** How much of the body of a request is kept if anybody could have sent the request. */
export const MAX_ANONYMOUS_BODY_BYTES = 8_192;

const decoder = new TextDecoder();

/** What the log keeps of a response. */
export interface LoggedResponse {
  readonly status: number;
  readonly durationMs: number;
  readonly responseBody: string | null;
  /** The challenger's price for the same stone; null if no challenger was asked. */
  readonly shadow: Pick<RequestRecord, "shadowModel" | "shadowVersion" | "shadowPrice"> | null;
}

/** Makes the log record of a request and its response. */
export function toRecord(c: AppContext, response: LoggedResponse): RequestRecord {
  const { id, at, model, price, caller, diagnostics } = c.get("requestContext");
  const { status, durationMs, responseBody, shadow } = response;
  const { requestBody, truncation } = readRequestBody(c);
  const problems = [...diagnostics, ...truncation];
  const { pathname, search } = new URL(c.req.url);
  const cf = c.req.raw.cf;
  return {
    id,
    at,
    method: c.req.method,
    path: pathname,
    route: findRoute(c),
    query: search === "" ? null : search.slice(1),
    status,
    durationMs,
    requestBody,
    responseBody,
    // Set later if the bodies are too large for a row.
    bodies: null,
    model: model?.name ?? null,
    modelVersion: model?.version ?? null,
    price,
    shadowModel: shadow?.shadowModel ?? null,
    shadowVersion: shadow?.shadowVersion ?? null,
    shadowPrice: shadow?.shadowPrice ?? null,
    caller,
    userAgent: c.req.header("user-agent") ?? null,
    country: toText(cf?.country),
    colo: toText(cf?.colo),
    problem: problems.length > 0 ? problems.join("; ") : null,
    repeats: null,
  };
}

/**
 * The body of the request. If anybody could have sent it, only its start is kept, so that nobody without a
 * key can fill the log.
 */
function readRequestBody(c: AppContext): { requestBody: string | null; truncation: string[] } {
  const { body, bodySize } = c.get("requestContext");
  if (body === null) return { requestBody: null, truncation: [] };
  if (bodySize <= MAX_ANONYMOUS_BODY_BYTES || !isAnonymous(c))
    return { requestBody: decoder.decode(body), truncation: [] };
  const start = body.subarray(0, MAX_ANONYMOUS_BODY_BYTES);
  return {
    // `stream` omits a character that is cut in two.
    requestBody: new TextDecoder().decode(start, { stream: true }),
    truncation: [`only the first ${MAX_ANONYMOUS_BODY_BYTES} of ${bodySize} bytes of the body are kept`],
  };
}

/** Whether a request was answered before it was known to come from an authorized caller. */
function isAnonymous(c: AppContext): boolean {
  const { status } = c.res;
  if (status === 404) return findRoute(c) === null;
  if (status === 413) return c.get("requestContext").caller === null;
  return [401, 403, 405, 429].includes(status) || c.req.method === "OPTIONS";
}

function toText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
