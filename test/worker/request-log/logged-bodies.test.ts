/** Tests which response bodies the request log keeps: each endpoint declares it. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { fromHono } from "chanfana";
import { Hono } from "hono";
import { expect, it } from "vitest";
import { Endpoint } from "../../../src/endpoints/base.ts";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import type { AppEnv } from "../../../src/http/context.ts";
import { NotFound } from "../../../src/http/errors.ts";
import { handleError } from "../../../src/middleware/error-handler.ts";
import { requestLog } from "../../../src/middleware/request-log.ts";
import { readLogRecord } from "../support/call.ts";

class UnloggedEndpoint extends Endpoint {
  static override readonly scope = null;
  override schema = {};

  override async handle() {
    return { secret: "from an endpoint that does not declare it" };
  }
}

class LoggedEndpoint extends UnloggedEndpoint {
  static override readonly logsResponseBody = true;
}

class FailingEndpoint extends UnloggedEndpoint {
  override async handle(): Promise<never> {
    throw new NotFound("No such thing.");
  }
}

/** Sends a request to an endpoint behind the middleware of the log. Returns the sent and the logged body. */
async function callEndpoint(
  endpoint: typeof UnloggedEndpoint,
): Promise<{ text: string; loggedBody: unknown }> {
  const hono = new Hono<AppEnv>();
  hono.use(requestLog);
  fromHono(hono, { docs_url: null, redoc_url: null, openapi_url: null }).get("/test", endpoint);
  hono.onError(handleError);
  const context = createExecutionContext();
  const response = await hono.fetch(new Request("https://facet.test/test"), env, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  const record = await readLogRecord(response.headers.get("x-request-id") ?? "");
  return { text, loggedBody: record?.responseBody };
}

it("does not log the response body of an endpoint that does not declare it", async () => {
  const { text, loggedBody } = await callEndpoint(UnloggedEndpoint);
  expect(text).toContain("secret");
  expect(loggedBody).toBeNull();
});

it("logs the response body of an endpoint that declares it", async () => {
  const { text, loggedBody } = await callEndpoint(LoggedEndpoint);
  expect(text).toContain("secret");
  expect(loggedBody).toBe(text);
});

it("logs the body of every problem", async () => {
  const { text, loggedBody } = await callEndpoint(FailingEndpoint);
  expect(text).toContain("No such thing.");
  expect(loggedBody).toBe(text);
});

it("does not log the bodies of the log and of model reports", () => {
  const unlogged = ENDPOINTS.filter(({ logsResponseBody }) => !logsResponseBody);
  expect(unlogged.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "get /v1/models/:name/versions/:version/report",
    "get /v1/requests",
    "get /v1/requests/export",
    "get /v1/requests/:id",
  ]);
});
