/** The client with a `fetch` of the test. test/long/client has the calls of a server. */
import { describe, expect, test } from "vitest";
import { createFacetClient } from "../../clients/typescript/src/client.ts";

const STONE = { carat: 1.1, cut: "Ideal", color: "H", clarity: "SI2" } as const;
const baseUrl = "https://facet.example";

describe("createFacetClient", () => {
  test.each([
    [{ attempts: 0 }, "attempts must be a whole number from 1, not 0"],
    [{ attempts: Number.POSITIVE_INFINITY }, "attempts must be a whole number from 1, not Infinity"],
    [{ timeoutMs: 0 }, "timeoutMs must be above 0"],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, "timeoutMs must be above 0 and at most 2147483647"],
    [{ maxRetryAfterMs: -1 }, "maxRetryAfterMs must be from 0 to 2147483647, not -1"],
  ])("refuses %o", (options, message) => {
    expect(() => createFacetClient({ baseUrl, ...options })).toThrow(message);
  });
});

test("a page in place of the answer, such as the login of a network, is an error of the connection", async () => {
  const fetch = async () => new Response("<html>", { headers: { "content-type": "text/html" } });
  const call = createFacetClient({ baseUrl, fetch }).predictPrice(STONE);
  await expect(call).rejects.toMatchObject({ name: "FacetError", type: "unreachable", status: null });
});
