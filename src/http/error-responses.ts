import type { ResponseConfig } from "chanfana";
import {
  ContentTooLarge,
  type FieldError,
  InternalServerError,
  MalformedBody,
  NotReady,
  PROBLEM_TYPE,
  type Problem,
  ProblemDetails,
  type ProblemKind,
  ServiceUnavailable,
  toProblemType,
  UnsupportedMediaType,
  ValidationFailed,
} from "./errors.ts";

/** The problems of every endpoint with a JSON body. */
export const BODY_ERRORS = [MalformedBody, ContentTooLarge, UnsupportedMediaType, ValidationFailed] as const;
/** The problems of every endpoint that reads the registry. */
export const REGISTRY_ERRORS = [InternalServerError, NotReady, ServiceUnavailable] as const;
/** The problems of every endpoint that reads the request log. */
export const LOG_ERRORS = [InternalServerError, ServiceUnavailable] as const;

const EXAMPLE_ID = "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90";

const AUTHENTICATE_HEADER = {
  "WWW-Authenticate": {
    description: "The authentication scheme, and the error if a key was sent (RFC 6750).",
    schema: { type: "string" as const },
    required: true,
  },
};

const RETRY_AFTER_HEADER = {
  "Retry-After": {
    description: "Seconds to wait before the next attempt.",
    schema: { type: "integer" as const },
    required: true,
  },
};

/** Adds to the 404 of a resource that may not be written yet that it can say when to try again. */
export function documentRetry(responses: Record<string, ResponseConfig>): Record<string, ResponseConfig> {
  const { "404": notFound } = responses;
  if (notFound === undefined) return responses;
  const header = { ...RETRY_AFTER_HEADER["Retry-After"], required: false };
  return { ...responses, "404": { ...notFound, headers: { "Retry-After": header } } };
}

/** The headers of every response with a status. */
const HEADERS: Partial<Record<number, NonNullable<ResponseConfig["headers"]>>> = {
  401: AUTHENTICATE_HEADER,
  403: AUTHENTICATE_HEADER,
  429: RETRY_AFTER_HEADER,
  503: RETRY_AFTER_HEADER,
};

/** The OpenAPI `responses` for the problems that an endpoint can answer with, grouped by status. */
export function documentErrors(...problems: Pick<typeof Problem, "kind">[]): Record<string, ResponseConfig> {
  const byStatus = Map.groupBy(problems, (problem) => problem.kind.status);
  return Object.fromEntries(
    Array.from(byStatus, ([status, kinds]) => [
      String(status),
      {
        description: `${kinds.map(({ kind }) => kind.title).join(" or ")}.`,
        ...(HEADERS[status] && { headers: HEADERS[status] }),
        content: {
          [PROBLEM_TYPE]: {
            schema: ProblemDetails,
            examples: Object.fromEntries(
              kinds.map(({ kind }) => [
                kind.slug,
                { value: toProblemDetails(kind, kind.example, EXAMPLE_ID, kind.errors) },
              ]),
            ),
          },
        },
      },
    ]),
  );
}

/** Creates the body of an error response. */
export function toProblemDetails(
  kind: ProblemKind,
  detail: string,
  requestId: string,
  errors: readonly FieldError[] | undefined,
  moreErrors = 0,
): ProblemDetails {
  return {
    type: toProblemType(kind.slug),
    title: kind.title,
    status: kind.status,
    detail,
    requestId,
    ...(errors && { errors: [...errors] }),
    ...(moreErrors > 0 && { moreErrors }),
  };
}
