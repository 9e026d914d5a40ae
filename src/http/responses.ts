/** Responses with the headers that every response has. */
import type { AppContext } from "./context.ts";
import { toProblemDetails } from "./error-responses.ts";
import { PROBLEM_TYPE, type Problem } from "./errors.ts";

/**
 * Lets browsers do nothing with an answer except read it. The pages and the model reports have a
 * Content-Security-Policy of their own.
 */
const SECURITY_HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
} as const;

/** Which headers a page of another origin may read. */
export const EXPOSED_HEADERS = [
  "content-disposition",
  "etag",
  "retry-after",
  "server-timing",
  "www-authenticate",
  "x-request-id",
];
/** The headers of every response, except those to OPTIONS requests. */
const COMMON_HEADERS = {
  ...SECURITY_HEADERS,
  "access-control-expose-headers": EXPOSED_HEADERS.join(","),
  vary: "Origin",
} as const;

interface ResponseOptions {
  readonly status: number;
  /** They replace the headers that every response has. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Makes the response of a request from its text, with all headers. Made in one step, because each later change
 * of a response costs as much as making it. The log takes the text from here.
 */
export function createResponse(c: AppContext, text: string, { status, headers }: ResponseOptions): Response {
  const response = new Response(text, { status, headers: Object.assign(createHeaders(c), headers) });
  c.get("requestContext").answer = { response, text };
  return response;
}

/** Makes the response for a problem. The log always keeps its body. */
export function createProblemResponse(c: AppContext, problem: Problem): Response {
  const context = c.get("requestContext");
  context.logsResponseBody = true;
  const { kind, message, errors, moreErrors, headers } = problem;
  const details = toProblemDetails(kind, message, context.id, errors, moreErrors);
  return createResponse(c, JSON.stringify(details), {
    status: kind.status,
    headers: { "content-type": PROBLEM_TYPE, ...headers },
  });
}

/** Adds the headers that every response has to a response that was made without them. */
export function completeHeaders(c: AppContext): void {
  if (c.res === c.get("requestContext").answer?.response) return;
  for (const [name, value] of Object.entries(createHeaders(c)))
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
}

function createHeaders(c: AppContext): Record<string, string> {
  const { id, startedAt } = c.get("requestContext");
  const isOptions = c.req.method === "OPTIONS";
  const headers: Record<string, string> = isOptions ? { ...SECURITY_HEADERS } : { ...COMMON_HEADERS };
  const allowedOrigin = isOptions ? null : findAllowedOrigin(c, c.req.header("origin") ?? "");
  if (allowedOrigin !== null) headers["access-control-allow-origin"] = allowedOrigin;
  headers["server-timing"] = `total;dur=${performance.now() - startedAt}`;
  headers["x-request-id"] = id;
  return headers;
}

/** The origins in the setting that was read last. The setting changes only with the Worker. */
let parsed: { readonly setting: string; readonly origins: ReadonlySet<string> } = {
  setting: "",
  origins: new Set(),
};

/**
 * What the header `Access-Control-Allow-Origin` says to an origin; null if the origin may not read the answer.
 * `CORS_ORIGINS` lists origins, separated by commas or spaces; `*` allows every origin. Keys are sent in a
 * header that the page sets, so no origin needs browser credentials.
 */
export function findAllowedOrigin(c: AppContext, origin: string): string | null {
  const value: unknown = c.env.CORS_ORIGINS;
  const setting = typeof value === "string" ? value : "";
  if (setting !== parsed.setting)
    parsed = { setting, origins: new Set(setting.split(/[\s,]+/).filter(Boolean)) };
  if (parsed.origins.has("*")) return "*";
  return parsed.origins.has(origin) ? origin : null;
}
