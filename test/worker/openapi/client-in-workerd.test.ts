/** The client of clients/typescript inside a Worker, as one with a service binding to Facet uses it. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createFacetClient, FacetError, readAnswer } from "../../../clients/typescript/src/index.ts";
import { EXAMPLE_STONE } from "../../../src/domain/diamond.ts";
import worker from "../../../src/worker.ts";

/** Calls the Worker. Its first answer gets lost. */
function createBinding() {
  let calls = 0;
  const fetch = async (request: Request) => {
    const context = createExecutionContext();
    const response = await worker.fetch(request, env, context);
    await waitOnExecutionContext(context);
    if (++calls === 1) throw new Error("Network connection lost.");
    return response;
  };
  return { fetch, countCalls: () => calls };
}

it("repeats a call in workerd, and reads answers and problems", async () => {
  const { fetch, countCalls } = createBinding();
  const facet = createFacetClient({ baseUrl: "https://facet", fetch });
  expect(await readAnswer(facet.GET("/health"))).toEqual({ status: "ok" });
  expect(countCalls()).toBe(2);
  const call = facet.predictPrice({ ...EXAMPLE_STONE, cut: "Ruby" as "Fair" });
  const error = await call.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FacetError);
  expect(error).toMatchObject({ status: 422, type: "urn:facet:problem:invalid-input" });
  expect(error).toMatchObject({ fieldErrors: [{ path: "cut" }] });
  expect(countCalls()).toBe(3);
});
