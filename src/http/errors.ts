import { z } from "zod";
import type { Scope } from "../domain/access.ts";

export const FieldError = z
  .object({
    path: z.string().meta({
      description:
        "The invalid field: `carat`, or `diamonds.3.carat` in a list (counted from 0). Empty for the body as a whole.",
      example: "cut",
    }),
    message: z.string().meta({ description: "Says which values are valid." }),
  })
  .meta({ id: "FieldError" });
export type FieldError = z.infer<typeof FieldError>;

/** The last part of the `type` of every problem. */
const PROBLEM_SLUGS = [
  "malformed-body",
  "unauthenticated",
  "forbidden",
  "not-found",
  "method-not-allowed",
  "conflict",
  "precondition-failed",
  "too-large",
  "unsupported-media-type",
  "misdirected-request",
  "invalid-input",
  "no-price",
  "too-many-requests",
  "internal",
  "not-ready",
  "unavailable",
] as const;
type ProblemSlug = (typeof PROBLEM_SLUGS)[number];

export const toProblemType = (slug: ProblemSlug) => `urn:facet:problem:${slug}`;

/** The body of an error response (RFC 9457). */
export const ProblemDetails = z
  .object({
    // Not an enumeration: a later version can add a type, and clients must accept it.
    type: z.string().meta({
      description: "URN of the problem type. It is stable: use it in programs.",
      examples: PROBLEM_SLUGS.map(toProblemType),
    }),
    title: z.string().meta({ description: "Short text for the problem type." }),
    status: z.number().int().meta({ description: "The HTTP status code." }),
    detail: z.string().meta({ description: "Explains this problem, and how to solve it." }),
    requestId: z
      .string()
      .meta({ description: "Id of the request in the log. Send it with support questions." }),
    errors: z.array(FieldError).optional().meta({ description: "The invalid fields, at most 100." }),
    moreErrors: z
      .number()
      .int()
      .positive()
      .optional()
      .meta({ description: "Number of further errors that are not listed. Present only if there are any." }),
  })
  .meta({ id: "Problem", description: "An error (RFC 9457)." });
export type ProblemDetails = z.infer<typeof ProblemDetails>;

/** The greatest number of errors in a problem. A list of 1,000 stones can have many thousands. */
export const MAX_FIELD_ERRORS = 100;

export const PROBLEM_TYPE = "application/problem+json";

/** The fields that all problems of one class share. */
export interface ProblemKind {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 421 | 422 | 429 | 500 | 503;
  readonly slug: ProblemSlug;
  readonly title: string;
  /** An example of `detail` for the OpenAPI document. */
  readonly example: string;
  readonly errors?: readonly FieldError[];
}

interface ProblemOptions {
  readonly errors?: readonly FieldError[];
  /** Number of errors that are not in `errors`. */
  readonly moreErrors?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that becomes an HTTP response. Each subclass defines its status, title and documentation. */
export abstract class Problem extends Error {
  static readonly kind: ProblemKind;
  readonly errors: readonly FieldError[] | undefined;
  readonly moreErrors: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(detail: string, { errors, moreErrors = 0, headers = {}, cause }: ProblemOptions = {}) {
    super(detail, { cause });
    this.errors = errors?.slice(0, MAX_FIELD_ERRORS);
    this.moreErrors = moreErrors + Math.max(0, (errors?.length ?? 0) - MAX_FIELD_ERRORS);
    this.headers = headers;
  }

  get kind(): ProblemKind {
    return (this.constructor as typeof Problem).kind;
  }
}

export class MalformedBody extends Problem {
  static override readonly kind: ProblemKind = {
    status: 400,
    slug: "malformed-body",
    title: "Malformed body",
    example: "The body is not valid JSON: Expected property name or '}' in JSON at position 1",
  };
}

/** The start of the header `WWW-Authenticate` (RFC 6750). */
const CHALLENGE = 'Bearer realm="facet"';

export class Unauthorized extends Problem {
  static override readonly kind: ProblemKind = {
    status: 401,
    slug: "unauthenticated",
    title: "Unauthorized",
    example: "The key is missing. Send it in the header Authorization: Bearer facet_...",
  };

  /** @param sent Whether the request had a key, which was invalid. */
  constructor(detail: string, { sent = true }: { readonly sent?: boolean } = {}) {
    const challenge = sent ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE;
    super(detail, { headers: { "www-authenticate": challenge } });
  }
}

export class Forbidden extends Problem {
  static override readonly kind: ProblemKind = {
    status: 403,
    slug: "forbidden",
    title: "Forbidden",
    example: "The key shop does not have the scope admin, which this operation requires.",
  };

  constructor(key: string, scope: Scope) {
    super(`The key ${key} does not have the scope ${scope}, which this operation requires.`, {
      headers: { "www-authenticate": `${CHALLENGE}, error="insufficient_scope", scope="${scope}"` },
    });
  }
}

export class MisdirectedRequest extends Problem {
  static override readonly kind: ProblemKind = {
    status: 421,
    slug: "misdirected-request",
    title: "Misdirected request",
    example: "This server does not answer at shop.example, but at localhost. ALLOWED_HOSTS has the names.",
  };
}

export class NotFound extends Problem {
  static override readonly kind: ProblemKind = {
    status: 404,
    slug: "not-found",
    title: "Not found",
    example: "There is no model or alias named log-quadratic. GET /v1/models lists all models and aliases.",
  };
}

export class MethodNotAllowed extends Problem {
  static override readonly kind: ProblemKind = {
    status: 405,
    slug: "method-not-allowed",
    title: "Method not allowed",
    example: "/v1/predictions does not support PATCH. Supported: POST.",
  };
}

export class Conflict extends Problem {
  static override readonly kind: ProblemKind = {
    status: 409,
    slug: "conflict",
    title: "Conflict",
    example: "The file of log-linear@3 is missing or broken. Nothing was changed.",
  };
}

export class PreconditionFailed extends Problem {
  static override readonly kind: ProblemKind = {
    status: 412,
    slug: "precondition-failed",
    title: "Precondition failed",
    example: "champion is at revision 5, which does not match If-Match. GET it and try again.",
  };
}

export class ContentTooLarge extends Problem {
  static override readonly kind: ProblemKind = {
    status: 413,
    slug: "too-large",
    title: "Content too large",
    example: "The body is larger than 1 MiB (1,048,576 bytes). Send fewer stones at a time.",
  };
}

export class UnsupportedMediaType extends Problem {
  static override readonly kind: ProblemKind = {
    status: 415,
    slug: "unsupported-media-type",
    title: "Unsupported media type",
    example: "The content type is application/xml; send application/json.",
  };
}

export class ValidationFailed extends Problem {
  static override readonly kind: ProblemKind = {
    status: 422,
    slug: "invalid-input",
    title: "Validation failed",
    example: "cut must be one of Fair, Good, Very Good, Premium, Ideal",
    errors: [{ path: "cut", message: "cut must be one of Fair, Good, Very Good, Premium, Ideal" }],
  };
}

export class NoPrice extends Problem {
  static override readonly kind: ProblemKind = {
    status: 422,
    slug: "no-price",
    title: "No price available",
    example:
      "log-linear@1 cannot price this stone. Its values are too far from the training data. Check the values.",
  };
}

export class TooManyRequests extends Problem {
  static override readonly kind: ProblemKind = {
    status: 429,
    slug: "too-many-requests",
    title: "Too many requests",
    example:
      "Too many requests with the key shop. Wait 10 seconds. You can send several stones in one request.",
  };

  /** @param seconds The period of the limit: after it, requests are accepted again. */
  constructor(reason: string, seconds: number) {
    super(`${reason} Wait ${seconds} seconds. You can send several stones in one request.`, {
      headers: { "retry-after": String(seconds) },
    });
  }
}

export class NotReady extends Problem {
  static override readonly kind: ProblemKind = {
    status: 503,
    slug: "not-ready",
    title: "Service not ready",
    example: "No model has been published yet. Run the training (npm run train), then try again.",
  };

  constructor(cause?: unknown) {
    super(NotReady.kind.example, { headers: { "retry-after": "30" }, cause });
  }
}

export class ServiceUnavailable extends Problem {
  static override readonly kind: ProblemKind = {
    status: 503,
    slug: "unavailable",
    title: "Service unavailable",
    example: "The model log-linear@3 cannot be loaded at the moment. Try again in a few seconds.",
  };

  /** @param retryAfterSeconds When the same request can succeed. */
  constructor(detail: string, cause?: unknown, retryAfterSeconds = 5) {
    super(detail, { headers: { "retry-after": String(retryAfterSeconds) }, cause });
  }
}

export class InternalServerError extends Problem {
  static override readonly kind: ProblemKind = {
    status: 500,
    slug: "internal",
    title: "Internal server error",
    example: "An unexpected error occurred. The log has the details under the id of this request.",
  };

  constructor(cause: unknown) {
    super(InternalServerError.kind.example, { cause });
  }
}
