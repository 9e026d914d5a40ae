/** A service for the tests in workerd: what Redocly finds in an OpenAPI document. */
import { createConfig, lintFromString } from "@redocly/openapi-core";

/** Takes the document, answers a list of findings. */
export async function lintOpenApi(request: Request): Promise<Response> {
  const config = await createConfig({
    extends: ["recommended-strict"],
    // Whether the Worker is alive cannot be asked in a wrong way.
    rules: { "operation-4xx-response": "off" },
  });
  const found = await lintFromString({
    source: await request.text(),
    absoluteRef: "/openapi.json",
    config,
  });
  return Response.json(
    found.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`),
  );
}
