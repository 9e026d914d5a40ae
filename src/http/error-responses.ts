import type { ResponseConfig } from "chanfana";
import {
  describe,
  Internal,
  InvalidInput,
  MalformedBody,
  NotReady,
  PROBLEM_TYPE,
  type Problem,
  ProblemDetails,
  TooLarge,
  Unavailable,
  UnsupportedMediaType,
} from "./errors.ts";

/** What any endpoint that takes JSON can answer. */
export const OF_BODY = [MalformedBody, TooLarge, UnsupportedMediaType, InvalidInput] as const;
/** What any endpoint that asks the registry can answer. */
export const OF_REGISTRY = [Internal, NotReady, Unavailable] as const;
/** What any endpoint that reads the log can answer. */
export const OF_LOG = [Internal, Unavailable] as const;

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
export function documented(...problems: Pick<typeof Problem, "kind">[]): Record<string, ResponseConfig> {
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
                { value: describe(kind, kind.example, EXAMPLE_ID, kind.errors) },
              ]),
            ),
          },
        },
      },
    ]),
  );
}
