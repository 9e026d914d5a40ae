import type { ResponseConfig } from "chanfana";
import {
  ContentTooLarge,
  InternalServerError,
  MalformedBody,
  NotReady,
  PROBLEM_TYPE,
  type Problem,
  ProblemDetails,
  ServiceUnavailable,
  toProblemDetails,
  UnsupportedMediaType,
  ValidationFailed,
} from "./errors.ts";

/** What any endpoint that takes JSON can answer. */
export const BODY_ERRORS = [MalformedBody, ContentTooLarge, UnsupportedMediaType, ValidationFailed] as const;
/** What any endpoint that asks the registry can answer. */
export const REGISTRY_ERRORS = [InternalServerError, NotReady, ServiceUnavailable] as const;
/** What any endpoint that reads the log can answer. */
export const LOG_ERRORS = [InternalServerError, ServiceUnavailable] as const;

const EXAMPLE_ID = "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90";

const CHALLENGED = {
  "WWW-Authenticate": {
    description: "How to authenticate, and what was wrong with the key that was sent (RFC 6750).",
    schema: { type: "string" as const },
    required: true,
  },
};

const RETRY_AFTER = {
  "Retry-After": {
    description: "Seconds to wait before the next attempt.",
    schema: { type: "integer" as const },
    required: true,
  },
};

/** Headers that every answer of a status has. */
const HEADERS: Partial<Record<number, NonNullable<ResponseConfig["headers"]>>> = {
  401: CHALLENGED,
  403: CHALLENGED,
  429: RETRY_AFTER,
  503: RETRY_AFTER,
};

/** The `responses` of an endpoint that can answer with these problems, for its documentation. */
export function documentErrors(...problems: Pick<typeof Problem, "kind">[]): Record<string, ResponseConfig> {
  const byStatus = Map.groupBy(problems, (problem) => problem.kind.status);
  return Object.fromEntries(
    Array.from(byStatus, ([status, same]) => [
      String(status),
      {
        description: `${same.map(({ kind }) => kind.title).join("; or: ")}.`,
        ...(HEADERS[status] && { headers: HEADERS[status] }),
        content: {
          [PROBLEM_TYPE]: {
            schema: ProblemDetails,
            examples: Object.fromEntries(
              same.map(({ kind }) => [
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
