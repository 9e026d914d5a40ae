/** A service that lints an OpenAPI document with Redocly, for the tests in workerd. */
import { createConfig, lintFromString } from "@redocly/openapi-core";

/** Takes the document and answers a list of problems. The parameter `rules` names one of Redocly's rule sets. */
export async function lintOpenApi(request: Request): Promise<Response> {
  const config = await createConfig({
    extends: [new URL(request.url).searchParams.get("rules") ?? "recommended-strict"],
    // GET /health has no input, so it has no 4xx response.
    rules: { "operation-4xx-response": "off" },
  });
  const problems = await lintFromString({
    source: await request.text(),
    absoluteRef: "/openapi.json",
    config,
  });
  return Response.json(
    problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`),
  );
}
