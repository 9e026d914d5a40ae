import { isStranger } from "../../access/authorize.ts";
import type { RequestRecord } from "../../db/request-log/requests.ts";
import { type AppContext, findRoute } from "../../http/context.ts";
import { limitTexts, STRANGER_BODY_BYTES } from "./limit-texts.ts";

/** How much of the body of a refused request is kept. */
export const MAX_REFUSED_BODY_BYTES = 8_192;

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
  const record: RequestRecord = {
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
    // Set later if the row is shared.
    repeats: null,
  };
  return limitTexts(record, isStranger(c));
}

/** The body of the request. Only its start is kept if the request was refused before the body was needed. */
function readRequestBody(c: AppContext): { requestBody: string | null; truncation: string[] } {
  const { body, bodySize } = c.get("requestContext");
  if (body === null) return { requestBody: null, truncation: [] };
  // The end is cut again, with all texts of the stranger, and an ellipsis says so.
  if (isStranger(c)) return { requestBody: decodeStart(body, STRANGER_BODY_BYTES), truncation: [] };
  if (bodySize <= MAX_REFUSED_BODY_BYTES || !isRefused(c))
    return { requestBody: decoder.decode(body), truncation: [] };
  return {
    requestBody: decodeStart(body, MAX_REFUSED_BODY_BYTES),
    truncation: [`only the first ${MAX_REFUSED_BODY_BYTES} of ${bodySize} bytes of the body are kept`],
  };
}

/** Decodes the first bytes of a text, without a character that is cut in two. */
function decodeStart(bytes: Uint8Array, maxBytes: number): string {
  return new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: bytes.byteLength > maxBytes });
}

/** Whether a request was answered before it was known to come from an authorized caller. */
function isRefused(c: AppContext): boolean {
  const { status } = c.res;
  if (status === 404) return findRoute(c) === null;
  if (status === 413) return c.get("requestContext").caller === null;
  return [401, 403, 405, 429].includes(status) || c.req.method === "OPTIONS";
}

function toText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
