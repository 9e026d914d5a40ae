import { getTableName } from "drizzle-orm";
import type { ErrorHandler } from "hono";
import { describeError, findMissingTable, isDatabaseError } from "../db/errors.ts";
import * as registry from "../db/registry/schema.ts";
import { DOCS_ROUTE } from "../domain/routes.ts";
import type { AppContext, AppEnv } from "../http/context.ts";
import {
  InternalServerError,
  MethodNotAllowed,
  NotFound,
  NotReady,
  Problem,
  ServiceUnavailable,
} from "../http/errors.ts";
import { createProblemResponse } from "../http/responses.ts";
import { TimeoutError } from "../lib/timeout.ts";
import { truncate } from "../lib/truncate.ts";

const REGISTRY_TABLES: ReadonlySet<string> = new Set(Object.values(registry).map(getTableName));

/** Answers every error with a problem. The internal cause goes to the log only. */
export const handleError: ErrorHandler<AppEnv> = (error, c) => {
  const problem = toProblem(error);
  if (problem.cause !== undefined) c.get("requestContext").diagnostics.push(describeError(problem.cause));
  if (problem instanceof InternalServerError) console.error(error);
  if (problem instanceof NotReady) warnNotReady(problem);
  return createProblemResponse(c, problem);
};

let hasWarnedNotReady = false;

/** Who starts `wrangler dev` without a model reads once in the terminal what to do. */
function warnNotReady({ message }: NotReady): void {
  if (!hasWarnedNotReady) console.warn(message);
  hasWarnedNotReady = true;
}

export const handleNotFound = (c: AppContext): Response => {
  const problem = new NotFound(
    `There is nothing at ${truncate(c.req.path)}. GET ${DOCS_ROUTE} lists all paths.`,
  );
  return createProblemResponse(c, problem);
};

/** Answers a request with a method that its path does not have: 405, or the allowed methods for OPTIONS. */
export function handleOtherMethods(methods: readonly string[]): (c: AppContext) => Response {
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  return (c) => {
    if (c.req.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    throw new MethodNotAllowed(
      `${truncate(c.req.path)} does not support ${truncate(c.req.method)}. Supported: ${allow}.`,
      { headers: { allow } },
    );
  };
}

function toProblem(error: Error): Problem {
  if (error instanceof Problem) return error;
  // A missing table of the registry means that no model was published yet: publishing creates the tables.
  if (REGISTRY_TABLES.has(findMissingTable(error) ?? "")) return new NotReady(error);
  if (error instanceof TimeoutError || isDatabaseError(error))
    return new ServiceUnavailable("A database is unavailable. Try again in a few seconds.", error);
  return new InternalServerError(error);
}
