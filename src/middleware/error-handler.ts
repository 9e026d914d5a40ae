import { getTableName } from "drizzle-orm";
import type { ErrorHandler } from "hono";
import { describeError, findMissingTable, isDatabaseError } from "../db/errors.ts";
import * as registry from "../db/registry/schema.ts";
import type { AppContext, AppEnv } from "../http/context.ts";
import {
  InternalServerError,
  MethodNotAllowed,
  NotFound,
  NotReady,
  Problem,
  ServiceUnavailable,
} from "../http/errors.ts";
import { TimeoutError } from "../lib/single-flight.ts";

const REGISTRY_TABLES: ReadonlySet<string> = new Set(Object.values(registry).map(getTableName));

/** Answers every error as a problem. What the caller is not told goes into the log's record. */
export const handleError: ErrorHandler<AppEnv> = (error, c) => {
  const problem = toProblem(error);
  if (problem.cause !== undefined) c.var.requestContext.problems.push(describeError(problem.cause));
  if (problem instanceof InternalServerError) console.error(error);
  return problem.toResponse(c.var.requestContext.id);
};

export const answerNotFound = (c: AppContext): Response => {
  const problem = new NotFound(`There is nothing at ${shorten(c.req.path)}. GET /docs shows what there is.`);
  return problem.toResponse(c.var.requestContext.id);
};

/** Answers the methods that a path does not have. */
export function answerOtherMethods(allowed: readonly string[]): (c: AppContext) => Response {
  const allow = allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  return (c) => {
    if (c.req.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    throw new MethodNotAllowed(
      `${shorten(c.req.method)} is not possible on ${shorten(c.req.path)}; ${allow} is.`,
      { headers: { allow } },
    );
  };
}

function toProblem(error: Error): Problem {
  if (error instanceof Problem) return error;
  // The training makes the registry's tables.
  if (REGISTRY_TABLES.has(findMissingTable(error) ?? "")) return new NotReady(error);
  if (error instanceof TimeoutError || isDatabaseError(error))
    return new ServiceUnavailable(
      "A database cannot be reached at the moment. Try again in a few seconds.",
      error,
    );
  return new InternalServerError(error);
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
