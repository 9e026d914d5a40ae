/** The first request of an isolate starts to load the champion. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { preloadChampion } from "../../../src/inference/preload.ts";
import { ORIGIN } from "../support/call.ts";
import { overrideMethods } from "../support/faults.ts";
import { pointAlias, publishModel } from "../support/registry.ts";

it("loads the champion after the response of the first request, and only then", async () => {
  const key = await publishModel({ name: "first", version: 1 });
  await pointAlias("champion", { name: "first", version: 1 });
  const readKeys: string[] = [];
  const get = vi.fn(async (read: string) => {
    readKeys.push(read);
    return null;
  });
  const bindings = { ...env, MODELS: overrideMethods(env.MODELS, { get: get as never }) };
  const context = createExecutionContext();
  const response = Promise.withResolvers<Response>();

  preloadChampion(new Request(`${ORIGIN}/health`), response.promise, bindings, context);
  // The registry answers in the meantime, so that a load that had started would have read the file.
  await env.DB.prepare("SELECT 1").run();
  expect(readKeys).toEqual([]);
  response.resolve(new Response());
  // The file is missing, and the failure is not reported.
  await waitOnExecutionContext(context);
  expect(readKeys).toEqual([key]);

  const nextContext = createExecutionContext();
  preloadChampion(new Request(`${ORIGIN}/v1/predictions`), new Response(), bindings, nextContext);
  await waitOnExecutionContext(nextContext);
  expect(readKeys).toEqual([key]);
});
