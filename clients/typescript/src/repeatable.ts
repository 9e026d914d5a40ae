import type { paths } from "./schema.ts";

/**
 * Calls that are not a GET and can be sent twice with the result of one: prices change nothing, a known stone is
 * not added again, and a stone that was withdrawn stays withdrawn. All other calls add to a history.
 */
const REPEATABLE: readonly (readonly [method: string, path: keyof paths])[] = [
  ["POST", "/v1/predictions"],
  ["POST", "/v1/predictions/batch"],
  ["POST", "/v1/diamonds"],
  ["DELETE", "/v1/diamonds/{id}"],
];

const patterns = REPEATABLE.map(
  ([method, path]) => [method, new RegExp(`${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`)] as const,
);

/** Whether a call may be sent again although the server may have carried it out already. */
export function isRepeatable({ method, url }: { readonly method: string; readonly url: string }): boolean {
  if (method === "GET" || method === "HEAD") return true;
  const { pathname } = new URL(url);
  return patterns.some(([name, pattern]) => name === method && pattern.test(pathname));
}

/** The service, or a proxy before it, was not able to do the work. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([502, 503, 504, 520, 521, 522, 523, 524]);

/**
 * Whether a call with this answer may be sent again. Any call may be after a 429 and after a 404 that says when
 * to try again (a log entry that is not written yet), because the server has done nothing for it.
 */
export function shouldRepeat(request: Request, { status, headers }: Response): boolean {
  if (status === 429 || (status === 404 && headers.has("retry-after"))) return true;
  return TRANSIENT_STATUSES.has(status) && isRepeatable(request);
}
