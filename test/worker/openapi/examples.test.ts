/**
 * Sends each operation of the OpenAPI document with its examples: API pages fill them in, and people send them.
 * The models have the names and versions of a fresh `npm start`.
 */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import { call } from "../support/call.ts";
import { type OpenApiDocument, readOpenApiDocument } from "../support/contract.ts";
import { createAuthorizationHeader, createKey } from "../support/keys.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../support/registry.ts";

/** The examples of these parameters name something that a fresh server cannot have, such as an id. */
const EXPECTED_STATUSES: Record<string, number> = {
  withdrawDiamond: 404,
  createOutcome: 404,
  getRequest: 404,
  eraseRequest: 404,
  createAppraisals: 201,
  moveAlias: 201,
};

const OPERATIONS = ENDPOINTS.map((Endpoint) => ({
  operationId: new Endpoint({} as never).schema.operationId,
  method: Endpoint.method,
  path: Endpoint.path.replaceAll(/:(\w+)/g, "{$1}"),
}));

let document: OpenApiDocument;
let headers: Record<string, string>;

beforeAll(async () => {
  document = await readOpenApiDocument();
  headers = createAuthorizationHeader(await createKey("admin", ["predict", "appraise", "admin"]));
  await publishModel({ name: "log-linear", version: 1, file: "steep" });
  await warmUpRuntime();
  await publishModel({ name: "gradient-boosting", version: 1, file: "shallow" });
  await pointAlias("champion", { name: "gradient-boosting", version: 1 });
  await env.MODELS.put("reports/example", "<!doctype html>");
  await env.DB.prepare("UPDATE models SET report = 'reports/example'").run();
});

describe("the examples of the OpenAPI document", () => {
  it.each(OPERATIONS)("of $operationId work on a fresh server", async ({ operationId, method, path }) => {
    const { parameters = [], requestBody } = document.paths[path]?.[method] ?? {};
    const query = new URLSearchParams();
    let target = path;
    for (const { name, in: place, required, schema } of parameters) {
      if (required !== true) continue;
      const text = String(schema.example);
      if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(text));
      else query.set(name, text);
    }
    const reference = requestBody?.content["application/json"]?.schema.$ref;
    const component = document.components.schemas[reference?.split("/").at(-1) ?? ""];
    expect(component === undefined || component.example !== undefined, "a body without an example").toBe(
      true,
    );
    const send = (body: unknown) =>
      call(`${target}?${query}`, {
        method: method.toUpperCase(),
        headers: { ...headers, ...(component && { "content-type": "application/json" }) },
        ...(component && { body: JSON.stringify(body) }),
      });
    const { status } = await send(component?.example);
    expect(status).toBe(EXPECTED_STATUSES[operationId] ?? 200);
    // Some API pages make a body from the examples of its fields.
    const fields = Object.entries(component?.properties ?? {}).filter(([, field]) => "example" in field);
    const example = Object.fromEntries(fields.map(([name, field]) => [name, field.example]));
    if (component?.required?.every((name) => name in example)) {
      const again = await send(example);
      expect(again.status < 300 || again.status === EXPECTED_STATUSES[operationId], again.text).toBe(true);
    }
  });
});
