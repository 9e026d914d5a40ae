/**
 * Sends each operation of the OpenAPI document with its examples: API pages fill them in, and people send them.
 * The models have the names and versions of a fresh `npm start`. test/long/client runs the code samples.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import { type ExampleCall, formatUrl, readExampleCall } from "../../../src/openapi/code-samples/call.ts";
import { formatCurl } from "../../../src/openapi/code-samples/curl.ts";
import { formatPython } from "../../../src/openapi/code-samples/python.ts";
import { formatTypeScript } from "../../../src/openapi/code-samples/typescript.ts";
import worker from "../../../src/worker.ts";
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

const SERVER = "https://prices.example:8443";

interface SampledOperation {
  readonly operationId: string;
  readonly "x-codeSamples": readonly { readonly label: string; readonly source: string }[];
}

/** The operations with their examples, on a server with this access. */
async function readOperations(access: string): Promise<SampledOperation[]> {
  const context = createExecutionContext();
  const server = { ...env, ACCESS: access } as unknown as Env;
  const response = await worker.fetch(new Request(`${SERVER}/openapi.json`), server, context);
  await waitOnExecutionContext(context);
  const text = await response.text();
  expect(text).not.toContain("server.invalid");
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, SampledOperation>> };
  return Object.values(paths).flatMap((methods) => Object.values(methods));
}

const listWithKey = (operations: readonly SampledOperation[]) =>
  operations
    .filter(({ "x-codeSamples": samples }) => samples.every(({ source }) => source.includes("FACET_KEY")))
    .map(({ operationId }) => operationId);

describe("the code samples of the OpenAPI document", () => {
  it("are in three languages for each operation, with the address of the server", async () => {
    const operations = await readOperations("open");
    expect(operations.length).toBeGreaterThan(20);
    for (const { operationId, "x-codeSamples": samples } of operations) {
      expect(samples.map(({ label }) => label)).toEqual(["curl", "TypeScript", "Python"]);
      for (const { label, source } of samples) expect(source, `${operationId} ${label}`).toContain(SERVER);
    }
  });

  it("send a key only if the operation needs one on this server", async () => {
    const open = await readOperations("open");
    const withKey = await readOperations("keys");
    expect(listWithKey(open)).toEqual([
      "moveAlias",
      "removeAlias",
      "listRequests",
      "exportRequests",
      "getRequest",
      "eraseRequest",
      "getMonitoring",
    ]);
    const names = withKey.map(({ operationId }) => operationId);
    const listed = new Set(listWithKey(withKey));
    expect(names.filter((name) => !listed.has(name))).toEqual(["getHealth", "getReadiness"]);
  });
});

const CALL: ExampleCall = {
  method: "PUT",
  path: "/v1/things/{kind}/{id}",
  pathValues: { kind: "a/b" },
  id: { value: "4711", source: "Id of the thing." },
  query: { why: "it's 50 % off" },
  body: { text: "it's", "odd-name": [true, false, null], many: Array.from({ length: 60 }, (_, i) => i) },
  needsKey: true,
  isJson: false,
};

describe("a code sample with special characters", () => {
  it("is quoted for the shell", () => {
    expect(formatCurl({ ...CALL, body: { text: "it's" } }, SERVER)).toBe(`# Id of the thing.
ID=4711
curl -s "${SERVER}/v1/things/a%2Fb/$ID?why=it's%2050%20%25%20off" \\
  -X PUT \\
  -H "Authorization: Bearer $FACET_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"text":"it'\\''s"}'
`);
  });

  it("has literals of its language, and short lines", () => {
    const python = formatPython(CALL, SERVER);
    expect(python).toContain('"odd-name": [True, False, None]');
    expect(python).toContain("print(response.read().decode())");
    const typeScript = formatTypeScript(CALL, SERVER);
    expect(typeScript).toContain('"odd-name": [true, false, null]');
    expect(typeScript).toContain('params: { path: { id, kind: "a/b" }, query: { why: "it\'s 50 % off" } }');
    expect(typeScript).toContain('parseAs: "text"');
    for (const source of [python, typeScript])
      expect(source.split("\n").find((line) => /^\s*\d+,$/.test(line))).toBeDefined();
  });

  it("has only the required parameters, and no key where one is optional", () => {
    const parameters = [
      { name: "kind", in: "path", required: true, schema: { example: "cut" } },
      { name: "limit", in: "query", schema: { example: 5 } },
      { name: "reason", in: "query", required: true, schema: { example: "a test" } },
    ];
    const operation = { parameters, responses: { "200": {} }, security: [{ key: [] }, {}] };
    const call = readExampleCall("get", "/v1/things/{kind}", operation, {});
    expect(call).toMatchObject({ method: "GET", id: null, body: undefined, needsKey: false, isJson: false });
    expect(formatUrl(call, SERVER, "$ID")).toBe(`${SERVER}/v1/things/cut?reason=a%20test`);
  });
});
