import { z } from "zod";
import type { Scope } from "../domain/access.ts";

export const FieldError = z
  .object({
    path: z.string().meta({
      description: "Which field: `carat`, or `diamonds.3.carat` in a list (counted from 0).",
      example: "cut",
    }),
    message: z.string().meta({ description: "What would be right." }),
  })
  .meta({ id: "FieldError" });
export type FieldError = z.infer<typeof FieldError>;

/** RFC 9457. */
export const ProblemDetails = z
  .object({
    type: z.string().meta({ description: "Names the kind of problem: stable, for programs to compare." }),
    title: z.string().meta({ description: "The kind of problem in words; the same for each of its kind." }),
    status: z.number().int().meta({ description: "The HTTP status, again." }),
    detail: z.string().meta({ description: "What went wrong this time and what to do about it." }),
    requestId: z.string().meta({ description: "Id of this request in the log: quote it when you ask." }),
    errors: z.array(FieldError).optional().meta({ description: "The fields at fault." }),
  })
  .meta({ id: "Problem", description: "What went wrong (RFC 9457)." });
export type ProblemDetails = z.infer<typeof ProblemDetails>;

export const PROBLEM_TYPE = "application/problem+json";

/** A kind of problem: what all of its kind have in common. */
interface ProblemKind {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 422 | 429 | 500 | 503;
  /** Last part of the `type`. */
  readonly slug: string;
  readonly title: string;
  /** A detail as it may come, for the documentation. */
  readonly example: string;
  readonly errors?: readonly FieldError[];
}

interface ProblemOptions {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that is answered with: each class knows its HTTP shape and its place in the documentation. */
export abstract class Problem extends Error {
  static readonly kind: ProblemKind;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(detail: string, { errors, headers = {}, cause }: ProblemOptions = {}) {
    super(detail, { cause });
    this.errors = errors;
    this.headers = headers;
  }

  get kind(): ProblemKind {
    return (this.constructor as typeof Problem).kind;
  }

  toResponse(requestId: string): Response {
    const details = toProblemDetails(this.kind, this.message, requestId, this.errors);
    return new Response(JSON.stringify(details), {
      status: this.kind.status,
      headers: { "content-type": PROBLEM_TYPE, ...this.headers },
    });
  }
}

export class MalformedBody extends Problem {
  static override readonly kind: ProblemKind = {
    status: 400,
    slug: "malformed-body",
    title: "The body cannot be read",
    example: "The body is not valid JSON: Expected property name or '}' in JSON at position 1",
  };
}

/** The realm that RFC 6750 asks for. */
const CHALLENGE = 'Bearer realm="facet"';

export class Unauthorized extends Problem {
  static override readonly kind: ProblemKind = {
    status: 401,
    slug: "unauthenticated",
    title: "A valid key is needed",
    example: "No key was sent. Send yours as Authorization: Bearer facet_...",
  };

  /** @param sent Whether a key was sent that is not valid. */
  constructor(detail: string, { sent = true }: { readonly sent?: boolean } = {}) {
    const challenge = sent ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE;
    super(detail, { headers: { "www-authenticate": challenge } });
  }
}

export class Forbidden extends Problem {
  static override readonly kind: ProblemKind = {
    status: 403,
    slug: "forbidden",
    title: "The key does not allow this",
    example: "The key shop has no scope admin, which this needs.",
  };

  constructor(key: string, scope: Scope) {
    super(`The key ${key} has no scope ${scope}, which this needs.`, {
      headers: { "www-authenticate": `${CHALLENGE}, error="insufficient_scope", scope="${scope}"` },
    });
  }
}

export class NotFound extends Problem {
  static override readonly kind: ProblemKind = {
    status: 404,
    slug: "not-found",
    title: "Not found",
    example: "There is no model or alias named log-quadratic. GET /v1/models lists what there is.",
  };
}

export class MethodNotAllowed extends Problem {
  static override readonly kind: ProblemKind = {
    status: 405,
    slug: "method-not-allowed",
    title: "Method not allowed",
    example: "PATCH is not possible on /v1/predictions; POST is.",
  };
}

export class Conflict extends Problem {
  static override readonly kind: ProblemKind = {
    status: 409,
    slug: "conflict",
    title: "Not possible as things are",
    example: "The file of log-linear@3 is missing or broken: nothing was changed.",
  };
}

export class PreconditionFailed extends Problem {
  static override readonly kind: ProblemKind = {
    status: 412,
    slug: "precondition-failed",
    title: "Somebody else was faster",
    example: "champion is at revision 5 and not as you saw it. GET it again, then decide anew.",
  };
}

export class ContentTooLarge extends Problem {
  static override readonly kind: ProblemKind = {
    status: 413,
    slug: "too-large",
    title: "The body is too large",
    example: "The body is larger than 1 MiB (1,048,576 bytes). Send fewer stones at a time.",
  };
}

export class UnsupportedMediaType extends Problem {
  static override readonly kind: ProblemKind = {
    status: 415,
    slug: "unsupported-media-type",
    title: "Only JSON is understood",
    example: "The content type is application/xml; send application/json.",
  };
}

export class ValidationFailed extends Problem {
  static override readonly kind: ProblemKind = {
    status: 422,
    slug: "invalid-input",
    title: "The input is not valid",
    example: "cut must be one of Fair, Good, Very Good, Premium, Ideal",
    errors: [{ path: "cut", message: "cut must be one of Fair, Good, Very Good, Premium, Ideal" }],
  };
}

export class NoPrice extends Problem {
  static override readonly kind: ProblemKind = {
    status: 422,
    slug: "no-price",
    title: "The model has no price for this stone",
    example:
      "This stone is too far from anything that log-linear@1 was trained on to be priced. Check its values.",
  };
}

export class TooManyRequests extends Problem {
  static override readonly kind: ProblemKind = {
    status: 429,
    slug: "too-many-requests",
    title: "Too many requests",
    example: "Too many requests came with the key shop. Wait 10 seconds; stones can be sent many at a time.",
  };

  /** @param seconds How long it takes at most until there is room again. */
  constructor(what: string, seconds: number) {
    super(`${what} Wait ${seconds} seconds; stones can be sent many at a time.`, {
      headers: { "retry-after": String(seconds) },
    });
  }
}

export class NotReady extends Problem {
  static override readonly kind: ProblemKind = {
    status: 503,
    slug: "not-ready",
    title: "No model has been published yet",
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
    title: "Temporarily unavailable",
    example: "The model log-linear@3 cannot be loaded at the moment. Try again in a few seconds.",
  };

  constructor(detail: string, cause?: unknown) {
    super(detail, { headers: { "retry-after": "5" }, cause });
  }
}

export class InternalServerError extends Problem {
  static override readonly kind: ProblemKind = {
    status: 500,
    slug: "internal",
    title: "Something went wrong on our side",
    example: "Something went wrong on our side. The request is in the log under its id.",
  };

  constructor(cause: unknown) {
    super(InternalServerError.kind.example, { cause });
  }
}

/** The body of a problem's answer. */
export function toProblemDetails(
  kind: ProblemKind,
  detail: string,
  requestId: string,
  errors: readonly FieldError[] | undefined,
): ProblemDetails {
  return {
    type: `urn:facet:problem:${kind.slug}`,
    title: kind.title,
    status: kind.status,
    detail,
    requestId,
    ...(errors && { errors: [...errors] }),
  };
}
