import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { ProblemDetails } from "../../../src/http/errors.ts";
import worker from "../../../src/worker.ts";
import { readLogRecord } from "../support/call.ts";

async function fetchFrom(origin: string, allowedHosts: string, path = "/health") {
  const context = createExecutionContext();
  const bindings = { ...env, ALLOWED_HOSTS: allowedHosts } as unknown as Env;
  const response = await worker.fetch(new Request(`${origin}${path}`), bindings, context);
  await waitOnExecutionContext(context);
  return response;
}

it("answers at every name without a list", async () => {
  expect((await fetchFrom("https://shop.example", "")).status).toBe(200);
});

it.each(["http://localhost:8787", "http://LOCALHOST", "http://127.0.0.1:1", "http://[::1]:8787"])(
  "answers at %s",
  async (origin) => {
    expect((await fetchFrom(origin, "localhost, 127.0.0.1,[::1]")).status).toBe(200);
  },
);

it.each([
  "http://evil.example:8787",
  "http://localhost.evil.example",
  "http://evil-localhost",
  "http://127.0.0.1.evil.example",
])("rejects %s with 421, also where no key is needed, and logs it", async (origin) => {
  for (const path of ["/health", "/v1/models", "/docs", "/nowhere"]) {
    const response = await fetchFrom(origin, "localhost, 127.0.0.1,[::1]", path);
    const problem = await response.json<ProblemDetails>();
    expect([response.status, problem.title]).toEqual([421, "Misdirected request"]);
    expect(problem.detail).toContain(`does not answer at ${new URL(origin).hostname}, but at localhost,`);
    expect(await readLogRecord(problem.requestId)).toMatchObject({ status: 421, path });
  }
});
