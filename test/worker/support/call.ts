/** Calls the Worker and waits for the work that it does after the response. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { expect } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { requests } from "../../../src/db/request-log/schema.ts";
import type { ProblemDetails } from "../../../src/http/errors.ts";
import { readBodies } from "../../../src/request-log/bodies.ts";
import worker from "../../../src/worker.ts";
import { findContractViolations } from "./contract.ts";

export interface Answer {
  readonly response: Response;
  readonly status: number;
  readonly text: string;
  /** The request id: the key of its log record. */
  readonly id: string;
}

export const ORIGIN = "https://facet.test";

/** Checks each answer against the OpenAPI document, so that every test also tests the contract. */
export async function call(path: string, init?: RequestInit, bindings: Env = env): Promise<Answer> {
  const context = createExecutionContext();
  const request = new Request(`${ORIGIN}${path}`, init);
  const response = await worker.fetch(request, bindings, context);
  const text = await response.clone().text();
  await waitOnExecutionContext(context);
  expect(await findContractViolations(request, response, text)).toEqual([]);
  return { response, status: response.status, text, id: response.headers.get("x-request-id") ?? "" };
}

export async function get<Body>(path: string, bindings?: Env): Promise<Answer & { body: Body }> {
  const answer = await call(path, {}, bindings);
  return { ...answer, body: JSON.parse(answer.text) };
}

export async function post<Body>(
  path: string,
  body: unknown,
  bindings?: Env,
): Promise<Answer & { body: Body }> {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
  const answer = await call(path, init, bindings);
  return { ...answer, body: JSON.parse(answer.text) };
}

/** Expects a 503 that names no internal part, and the cause in the log. */
export async function expectUnavailable(answer: Answer & { body: ProblemDetails }, cause: RegExp) {
  expect(answer.status).toBe(503);
  expect(answer.body.type).toBe("urn:facet:problem:unavailable");
  expect(answer.response.headers.get("retry-after")).toBe("5");
  expect(answer.text).not.toMatch(/D1|R2|SQLITE|Error/);
  expect((await readLogRecord(answer.id))?.problem).toMatch(cause);
}

/** Calls the Worker without waiting for background work, if that never ends. */
export async function sendWithoutBackground(path: string, init: RequestInit, bindings: Env) {
  const request = new Request(`${ORIGIN}${path}`, init);
  const response = await worker.fetch(request, bindings, createExecutionContext());
  const { status, headers } = response;
  return { status, text: await response.text(), retryAfter: headers.get("retry-after") };
}

/** Reads the log record of a request, with the complete bodies. */
export async function readLogRecord(id: string): Promise<RequestRecord | undefined> {
  const row = await drizzle(env.LOG_DB).select().from(requests).where(eq(requests.id, id)).get();
  return row && { ...row, ...(await readBodies(env.MODELS, row)) };
}

export { EXAMPLE_STONE as STONE } from "../../../src/domain/diamond.ts";
export type { ProblemDetails } from "../../../src/http/errors.ts";
