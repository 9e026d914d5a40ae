import type { ProblemType } from "./problem-types.ts";
import { readRetryAfterMs } from "./retry-after.ts";
import type { components } from "./schema.ts";

type Problem = components["schemas"]["Problem"];
type FieldError = components["schemas"]["FieldError"];

/**
 * The reason of a {@link FacetError}:
 * - the type of a problem of the API, such as `urn:facet:problem:invalid-input`;
 * - `timeout` or `unreachable` if there was no answer;
 * - `about:blank` for an error answer that is not of the API, such as the 502 of a proxy.
 *
 * A later version of the API can add types, so a `switch` needs a `default`.
 */
export type FacetErrorType = ProblemType | "timeout" | "unreachable" | "about:blank" | (string & {});

interface FacetErrorOptions {
  readonly type: FacetErrorType;
  readonly response?: Response;
  readonly problem?: Partial<Problem>;
  readonly cause?: unknown;
}

/** A call that did not succeed. The message says how to solve it. */
export class FacetError extends Error {
  override readonly name = "FacetError";
  readonly type: FacetErrorType;
  /** The HTTP status; null if there was no answer. */
  readonly status: number | null;
  /** Short text for the type; null without a problem of the API. */
  readonly title: string | null;
  /** Explains the problem and how to solve it. The same text as `message`. */
  readonly detail: string;
  /** The invalid fields, such as `cut` or `diamonds.3.cut`, with what is valid. Empty for other errors. */
  readonly fieldErrors: readonly FieldError[];
  /** Id of the request in the server's log; null if there was no answer. */
  readonly requestId: string | null;
  /** After how many seconds the same call can succeed; null if the server did not say so. */
  readonly retryAfterSeconds: number | null;

  constructor(detail: string, { type, response, problem = {}, cause }: FacetErrorOptions) {
    super(detail, cause === undefined ? undefined : { cause });
    this.type = type;
    this.detail = detail;
    this.status = response?.status ?? null;
    this.title = problem.title ?? null;
    this.fieldErrors = problem.errors ?? [];
    this.requestId = problem.requestId ?? response?.headers.get("x-request-id") ?? null;
    const retryAfterMs = response ? readRetryAfterMs(response.headers) : null;
    this.retryAfterSeconds = retryAfterMs === null ? null : retryAfterMs / 1000;
  }

  /** Whether the same call can succeed later without a change. */
  get isTransient(): boolean {
    return this.status === null || this.status === 429 || this.status >= 500;
  }
}

/** The error of an answer that is not a success. `body` is what the answer contained: a problem, or any text. */
export function createAnswerError(response: Response, body: unknown): FacetError {
  const problem = isProblem(body) ? body : undefined;
  if (problem) return new FacetError(problem.detail, { type: problem.type, response, problem });
  return new FacetError(`The server answered with the status ${response.status}.`, {
    type: "about:blank",
    response,
  });
}

function isProblem(body: unknown): body is Problem {
  const { type, detail } = Object(body) as Partial<Problem>;
  return typeof type === "string" && typeof detail === "string";
}

/** The error of a call without an answer. */
export function createConnectionError(cause: unknown): FacetError {
  const { name, message } = Object(cause) as Partial<Error>;
  if (name === "TimeoutError") return new FacetError(String(message), { type: "timeout", cause });
  // In Node, the reason is one level deeper: "connect ECONNREFUSED ..." under "fetch failed".
  const { message: reason } = Object(Object(cause).cause) as Partial<Error>;
  const text = [message ?? String(cause), reason].filter(Boolean).join(": ");
  return new FacetError(`The server cannot be reached (${text}).`, { type: "unreachable", cause });
}
