/** The examples of calls in the document. test/long/client runs all of them against a server. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type ExampleCall, formatUrl, readExampleCall } from "../../../src/openapi/code-samples/call.ts";
import { formatCurl } from "../../../src/openapi/code-samples/curl.ts";
import { formatPython } from "../../../src/openapi/code-samples/python.ts";
import { formatTypeScript } from "../../../src/openapi/code-samples/typescript.ts";
import worker from "../../../src/worker.ts";

const ORIGIN = "https://prices.example:8443";

interface Operation {
  readonly operationId: string;
  readonly "x-codeSamples": readonly { readonly label: string; readonly source: string }[];
}

/** The operations with their examples, on a server with this access. */
async function readOperations(access: string): Promise<Operation[]> {
  const context = createExecutionContext();
  const server = { ...env, ACCESS: access } as unknown as Env;
  const response = await worker.fetch(new Request(`${ORIGIN}/openapi.json`), server, context);
  await waitOnExecutionContext(context);
  const text = await response.text();
  expect(text).not.toContain("server.invalid");
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, Operation>> };
  return Object.values(paths).flatMap((methods) => Object.values(methods));
}

const listWithKey = (operations: readonly Operation[]) =>
  operations
    .filter(({ "x-codeSamples": samples }) => samples.every(({ source }) => source.includes("FACET_KEY")))
    .map(({ operationId }) => operationId);

describe("the examples in /openapi.json", () => {
  it("are in three languages for each operation, with the address of the server", async () => {
    const operations = await readOperations("open");
    expect(operations.length).toBeGreaterThan(20);
    for (const { operationId, "x-codeSamples": samples } of operations) {
      expect(samples.map(({ label }) => label)).toEqual(["curl", "TypeScript", "Python"]);
      for (const { label, source } of samples) expect(source, `${operationId} ${label}`).toContain(ORIGIN);
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

describe("an example with special characters", () => {
  it("is quoted for the shell", () => {
    expect(formatCurl({ ...CALL, body: { text: "it's" } }, ORIGIN)).toBe(`# Id of the thing.
ID=4711
curl -s "${ORIGIN}/v1/things/a%2Fb/$ID?why=it's%2050%20%25%20off" \\
  -X PUT \\
  -H "Authorization: Bearer $FACET_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"text":"it'\\''s"}'
`);
  });

  it("has literals of its language, and short lines", () => {
    const python = formatPython(CALL, ORIGIN);
    expect(python).toContain('"odd-name": [True, False, None]');
    expect(python).toContain("print(response.read().decode())");
    const typeScript = formatTypeScript(CALL, ORIGIN);
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
    expect(formatUrl(call, ORIGIN, "$ID")).toBe(`${ORIGIN}/v1/things/cut?reason=a%20test`);
  });
});
