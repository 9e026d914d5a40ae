/** Calls the Worker and waits until what it does after the response is done. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { expect } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { requests } from "../../../src/db/request-log/schema.ts";
import type { ProblemDetails } from "../../../src/http/errors.ts";
import worker from "../../../src/index.ts";
import { readBodies } from "../../../src/request-log/bodies.ts";
import { breaches } from "./contract.ts";

export interface Answer {
  readonly response: Response;
  readonly status: number;
  readonly text: string;
  /** The id under which the request is logged. */
  readonly id: string;
}

export const HOST = "https://facet.test";

/** Every answer is checked against the OpenAPI document: so every test is one of the API's contract. */
export async function call(path: string, init?: RequestInit, bindings: Env = env): Promise<Answer> {
  const context = createExecutionContext();
  const request = new Request(`${HOST}${path}`, init);
  const response = await worker.fetch(request, bindings, context);
  const text = await response.clone().text();
  await waitOnExecutionContext(context);
  expect(await breaches(request, response, text)).toEqual([]);
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

/** The log's record of an answer, with its bodies as they were. */
export async function logged(id: string): Promise<RequestRecord | undefined> {
  const row = await drizzle(env.LOG_DB).select().from(requests).where(eq(requests.id, id)).get();
  return row && { ...row, ...(await readBodies(env.MODELS, row)) };
}

export type Refusal = ProblemDetails;

/** A stone that the models of the tests price. */
export { EXAMPLE_STONE as STONE } from "../../../src/domain/diamond.ts";
