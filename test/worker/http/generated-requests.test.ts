/**
 * Tests every operation with requests generated from the OpenAPI document: valid requests, and changed ones.
 * Ajv decides whether a changed body is still valid, so the test does not depend on the Worker.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import worker from "../../../src/worker.ts";
import { createArbitraries, type JsonSchema } from "../support/arbitrary.ts";
import { get, ORIGIN, post, STONE } from "../support/call.ts";
import {
  findContractViolations,
  type OpenApiDocument,
  type Parameter,
  readOpenApiDocument,
  validateRequestBody,
} from "../support/contract.ts";
import { createAuthorizationHeader, createKey } from "../support/keys.ts";
import { pointAlias, publishModel, readLinearModel, warmUpRuntime } from "../support/registry.ts";

/** Number of requests for all operations together. */
const REQUESTS = 10_000;
const SEED = 6;
const CONCURRENT_REQUESTS = 20;
/** Operations that answer a conflict if many of them run at the same time. */
const SEQUENTIAL_OPERATIONS = new Set(["moveAlias", "removeAlias"]);

/**
 * Errors that a valid request can get because of the data, such as an unknown name or a rule between fields.
 * A valid request for any other operation must succeed.
 */
const POSSIBLE_ERRORS: Record<string, readonly number[]> = {
  createPrediction: [404],
  createPredictions: [404],
  listSimilarDiamonds: [404],
  withdrawDiamond: [404],
  listAliasPeriods: [404],
  listVersions: [404],
  getVersion: [404],
  getReport: [404],
  getAlias: [404],
  moveAlias: [409, 412, 422],
  removeAlias: [404, 409, 412],
  createOutcome: [404, 422],
  getRequest: [404],
  eraseRequest: [404],
};
/** Operations that accept the valid items of a body and report the invalid ones. */
const PARTIAL_OPERATIONS = new Set(["createAppraisals"]);

interface GeneratedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  readonly chunked: boolean;
  /** `validate-body`: valid if Ajv accepts the body. `either`: may be accepted or refused. */
  readonly expected: "valid" | "invalid" | "validate-body" | "either";
  /** What makes the request invalid, for the output of a failed test. */
  readonly change: string;
}

interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: JsonSchema | undefined;
}

const getOrder = ({ operationId }: { operationId: string }) =>
  operationId === "exportRequests" ? 0 : operationId === "eraseRequest" ? 2 : 1;

const OPERATIONS = ENDPOINTS.map((Endpoint) => {
  const { operationId } = new Endpoint({} as never).schema;
  return { operationId, method: Endpoint.method, path: Endpoint.path.replaceAll(/:(\w+)/g, "{$1}") };
})
  // The log is searched first, while it is small, because an export returns all of it. Erasing comes last.
  .sort((a, b) => getOrder(a) - getOrder(b));

let document: OpenApiDocument;
let keyHeaders: Record<string, string>;
let arbitraries: ReturnType<typeof createArbitraries>;
const pendingContexts: ExecutionContext[] = [];
const counts = { requests: 0, succeeded: new Map<string, number>(), statuses: new Map<number, number>() };

beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  document = await readOpenApiDocument();
  keyHeaders = createAuthorizationHeader(await createKey("generator", ["predict", "appraise", "admin"]));
  await publishModel({ name: "steep", version: 1, file: "steep" });
  await warmUpRuntime();
  await publishModel({ name: "steep", version: 2, file: "shallow" });
  await publishModel({ name: "slope", version: 1, file: readLinearModel(0) });
  await env.MODELS.put("reports/steep", "<!doctype html>");
  await env.DB.prepare("UPDATE models SET report = 'reports/steep' WHERE name = 'steep'").run();
  await pointAlias("champion", { name: "steep", version: 1 });
  await pointAlias("other", { name: "slope", version: 1 });
  const predictions = await Promise.all(
    Array.from({ length: 40 }, () => post<{ id: string }>("/v1/predictions", STONE)),
  );
  const appraised = await call("/v1/diamonds", {
    method: "POST",
    headers: { ...keyHeaders, "content-type": "application/json" },
    body: JSON.stringify({ diamonds: [{ ...STONE, price: 1500 }] }),
  });
  const { results } = (await appraised.json()) as { results: { id: string }[] };
  const { body } = await get<{ aliases: object }>("/v1/models");
  expect(Object.keys(body.aliases)).toEqual(["champion", "other"]);
  arbitraries = createArbitraries(document, {
    alias: ["champion", "other", "challenger", "another", "trial", "spring"],
    model: ["steep@1", "steep@2", "slope@1"],
    canary: ["steep@2"],
    name: ["steep", "slope"],
    version: [1, 2],
    "if-match": ["*", '"1"'],
    id: [...predictions.map(({ body }) => body.id), results[0]?.id],
  });
});

afterAll(async () => {
  await waitForLog();
  vi.restoreAllMocks();
  const { requests, statuses } = counts;
  console.log(
    `${requests} requests: ${[...statuses]
      .sort()
      .map(([status, n]) => `${status} x ${n}`)
      .join(", ")}`,
  );
  expect(requests).toBeGreaterThanOrEqual(REQUESTS);
});

async function waitForLog(): Promise<void> {
  await Promise.all(pendingContexts.splice(0).map((context) => waitOnExecutionContext(context)));
}

/** Calls the Worker. Its background work is awaited later, see {@link waitForLog}. */
async function call(path: string, init: RequestInit): Promise<Response> {
  const context = createExecutionContext();
  pendingContexts.push(context);
  if (pendingContexts.length > 200) await waitForLog();
  return worker.fetch(new Request(`${ORIGIN}${path}`, init), env, context);
}

const encoder = new TextEncoder();
const encode = (value: unknown) => encodeURIComponent(String(value));

function createValidRequest({ method, path, parameters, body }: Operation): fc.Arbitrary<GeneratedRequest> {
  const parameterValues = fc.tuple(
    ...parameters.map((parameter) => {
      // A cursor is opaque, so a generated one would be invalid.
      if (parameter.name === "next") return fc.constant(undefined);
      const value = arbitraries.createForProperty(parameter.name, parameter.schema);
      // URL normalization removes these segments.
      if (parameter.in === "path") return value.filter((text) => text !== "." && text !== "..");
      return parameter.required ? value : fc.option(value, { freq: 3, nil: undefined });
    }),
  );
  const content = body === undefined ? fc.constant(undefined) : arbitraries.createFromSchema(body);
  return fc
    .tuple(parameterValues, content, fc.boolean())
    .map(([values, content, chunked]): GeneratedRequest => {
      let target = path;
      const query: string[] = [];
      const headers: Record<string, string> = { ...keyHeaders };
      parameters.forEach((parameter, i) => {
        const value = values[i];
        if (value === undefined) return;
        if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encode(value));
        else if (parameter.in === "query") query.push(`${encode(parameter.name)}=${encode(value)}`);
        // A header cannot contain other characters.
        else headers[parameter.name] = String(value).replaceAll(/[^\t\x20-\x7e]/g, "x");
      });
      if (content !== undefined) headers["content-type"] = "application/json";
      return {
        method: method.toUpperCase(),
        path: query.length > 0 ? `${target}?${query.join("&")}` : target,
        headers,
        body: content === undefined ? null : JSON.stringify(content),
        chunked,
        expected: "valid",
        change: "",
      };
    });
}

/** JSON values that are rarely valid. */
const LITERALS = [
  ..."null true false [] {} -0 0 -1 1e309 -1e309 1e-400 0.1 12345678901234567890 4.9e-324".split(" "),
  '""',
  '" "',
  '"\\ud800"',
  '"\\u0000"',
  '"1"',
  '"1e309"',
  '"NaN"',
  '"Ruby"',
  '"../../etc/passwd"',
  `"'; DROP TABLE models;--"`,
  '{"__proto__":{"carat":1}}',
  `"${"x".repeat(20_000)}"`,
  `"${"💎".repeat(600)}"`,
  "[".repeat(2000) + "]".repeat(2000),
  `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`,
];
const KEYS = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  " ",
  "colour",
  "\ud800",
  "k".repeat(5000),
];
const NAMES = [
  "..%2f..%2fetc%2fpasswd",
  "..%5c..%5cwindows",
  "%2e%2e",
  "%2e%2e%2f",
  "%00",
  "%E0%A4%A",
  "%ED%A0%80",
  "%FF",
  "%F0%9F%92%8E",
  "..;",
  "__proto__",
  "Champion",
  "a--b",
  "-1",
  "1e309",
  "0x10",
  "{}",
  "'--",
  "a".repeat(5000),
];
const QUERIES = [
  "_=123",
  "__proto__=1",
  "constructor[prototype]=1",
  "=",
  "%00=1",
  "%=%",
  "unknown=%ED%A0%80",
  `unknown=${"x".repeat(8000)}`,
  `${"unknown=1&".repeat(500)}unknown=1`,
  "model[]=steep",
];
const TYPES = [
  "text/plain",
  "application/xml",
  "multipart/form-data; boundary=x",
  "application/json; charset=utf-16",
  "application/json; charset=iso-8859-1",
  "application/problem+json",
  "json",
];

type Change<Argument> = (request: GeneratedRequest, argument: Argument) => Partial<GeneratedRequest> | null;

/** Each changes the body, given as text, of a valid request. */
const bodyChanges: fc.Arbitrary<Change<string>>[] = [
  fc.constantFrom(...LITERALS).chain((literal) =>
    fc.nat().map((n) => (_: GeneratedRequest, text: string) => {
      const places = [...text.matchAll(/:("(?:[^"\\]|\\.)*"|[-+.\w]+)/g)];
      const place = places[n % Math.max(1, places.length)];
      if (place === undefined) return null;
      const body = `${text.slice(0, place.index + 1)}${literal}${text.slice(place.index + place[0].length)}`;
      return { expected: "validate-body", body, change: `a value is ${literal.slice(0, 30)}` };
    }),
  ),
  fc.nat().map((n) => (_, text) => {
    const fields = Object.entries(JSON.parse(text) as object);
    fields.splice(n % Math.max(1, fields.length), 1);
    return {
      expected: "validate-body",
      body: JSON.stringify(Object.fromEntries(fields)),
      change: "a field is missing",
    };
  }),
  fc.constantFrom(...KEYS).map((key) => (_, text) => ({
    expected: "invalid",
    body: text.replace("{", `{${JSON.stringify(key)}:1,`).replace(",}", "}"),
    change: `there is a key ${key.slice(0, 20)}`,
  })),
  fc
    .constantFrom(...LITERALS)
    .map((body) => () => ({ expected: "validate-body", body, change: "the body is another value" })),
  fc
    .json({ maxDepth: 4 })
    .map((body) => () => ({ expected: "validate-body", body, change: "the body is random JSON" })),
  fc.nat({ max: 100 }).map((n) => (_, text) => {
    const body = text.slice(0, Math.floor((text.length * n) / 101));
    return { expected: "invalid", body, change: "the body is truncated" };
  }),
  fc.constant((_, text) => ({
    expected: "either",
    body: text.replace(/^\{("\w+":(?:"(?:[^"\\]|\\.)*"|[-+.\w]+),)?/, "{$1$1"),
    change: "a key is duplicated",
  })),
  fc.constant((_, text) => ({
    expected: "validate-body",
    body: `\ufeff${text}`,
    change: "the body has a byte order mark",
  })),
  fc.boolean().map((little) => (_, text) => {
    const body = new Uint8Array(text.length * 2);
    const view = new DataView(body.buffer);
    for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), little);
    return { expected: "invalid", body, change: "the body is UTF-16" };
  }),
  fc.constantFrom([0xff], [0xed, 0xa0, 0x80], [0xe9], [0xc0, 0xaf], [0]).map((bytes) => (_, text) => ({
    expected: "invalid",
    body: new Uint8Array([...encoder.encode(text.replace("{", '{"')), ...bytes, ...encoder.encode('":1}')]),
    change: `the body contains the bytes ${bytes}`,
  })),
  fc.constantFrom("gzip", "br", "deflate", "x").map((encoding) => ({ headers }) => ({
    expected: "invalid",
    headers: { ...headers, "content-encoding": encoding },
    change: `the content encoding is ${encoding}`,
  })),
  fc.constant(({ headers }) => ({
    expected: "invalid",
    headers,
    body: new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    change: "the body is gzip without a content encoding",
  })),
  fc.constantFrom(...TYPES).map((type) => ({ headers }) => ({
    expected: "invalid",
    headers: { ...headers, "content-type": type },
    change: `the content type is ${type}`,
  })),
];

/** Each changes the method, the path, the query or a header of a valid request. */
const targetChanges: fc.Arbitrary<Change<Operation>>[] = [
  fc.constantFrom(...QUERIES).map((query) => (request) => ({
    expected: "valid",
    path: `${request.path}${request.path.includes("?") ? "&" : "?"}${query}`,
    change: "an unknown parameter",
  })),
  fc.tuple(fc.constantFrom(...NAMES), fc.nat()).map(([name, n]) => (request, { parameters }) => {
    const queries = parameters.filter((parameter) => parameter.in === "query");
    const parameter = queries[n % Math.max(1, queries.length)];
    if (parameter === undefined) return null;
    const [path, query = ""] = request.path.split("?");
    const others = query.split("&").filter((pair) => pair !== "" && !pair.startsWith(`${parameter.name}=`));
    return {
      expected: "either",
      path: `${path}?${[...others, `${parameter.name}=${name}`].join("&")}`,
      change: `${parameter.name} is ${name.slice(0, 20)}`,
    };
  }),
  fc.tuple(fc.constantFrom(...NAMES), fc.nat()).map(([name, n]) => (request, { path, parameters }) => {
    const places = parameters.filter((parameter) => parameter.in === "path");
    const place = places[n % Math.max(1, places.length)];
    if (place === undefined) return null;
    const at = path.split("/").indexOf(`{${place.name}}`);
    const [target = "", query] = request.path.split("?");
    const changed = target.split("/").with(at, name).join("/");
    return {
      // URL normalization removes %2e%2e.
      expected: name === "%2e%2e" ? "either" : "invalid",
      path: query === undefined ? changed : `${changed}?${query}`,
      change: `${place.name} is ${name.slice(0, 20)}`,
    };
  }),
  fc.constantFrom("PATCH", "PROPFIND", "LOCK", "MKCOL").map((method) => () => ({
    expected: "invalid",
    method,
    change: `the method is ${method}`,
  })),
  fc
    .constantFrom("", "Bearer", "Bearer facet_wrongwrongwrongwrong", "Basic x", "x".repeat(5000))
    .map((authorization) => ({ headers }) => ({
      expected: "either",
      headers: { ...headers, authorization },
      change: "a wrong key",
    })),
  fc
    .constantFrom("4", '"', 'W/"4"', "*, *", '"9999999999999999"', "x".repeat(5000))
    .map((match) => ({ headers }) => ({
      expected: "either",
      headers: { ...headers, "if-match": match },
      change: `If-Match is ${match.slice(0, 20)}`,
    })),
];

function createChangedRequest(operation: Operation): fc.Arbitrary<GeneratedRequest> {
  const changedBody = fc
    .tuple(createValidRequest(operation), fc.oneof(...bodyChanges))
    .map(([request, change]) => {
      return { ...request, ...change(request, String(request.body)) } as GeneratedRequest;
    });
  const changedTarget = fc
    .tuple(createValidRequest(operation), fc.oneof(...targetChanges))
    .map(([request, change]) => {
      return { ...request, ...change(request, operation) } as GeneratedRequest;
    });
  return operation.body === undefined
    ? changedTarget
    : fc.oneof({ arbitrary: changedBody, weight: 2 }, changedTarget);
}

/** Sends a request and returns what is wrong with the response. */
async function findProblems(operation: Operation, generated: GeneratedRequest): Promise<string[]> {
  const { operationId } = operation;
  const { method, headers } = generated;
  const bytes = typeof generated.body === "string" ? encoder.encode(generated.body) : generated.body;
  const body = bytes !== null && generated.chunked ? new Blob([bytes]).stream() : bytes;
  const response = await call(generated.path, { method, headers, ...(body !== null && { body }) });
  const { status } = response;
  const text = await response.text();
  counts.requests++;
  counts.statuses.set(status, (counts.statuses.get(status) ?? 0) + 1);
  if (status < 300) counts.succeeded.set(operationId, (counts.succeeded.get(operationId) ?? 0) + 1);

  const request = new Request(`${ORIGIN}${generated.path}`, { method });
  const problems = await findContractViolations(request, response, text);
  if (status >= 500) problems.push("server error");
  if (status >= 400 && response.headers.get("content-type") !== "application/problem+json")
    problems.push("not a problem document");
  if (/\.ts:|node_modules|SQLITE|D1_ERROR|TypeError|\bat \w+ \(/.test(text))
    problems.push("reveals internals");

  const allowedErrors = [...(POSSIBLE_ERRORS[operationId] ?? [])];
  let { expected } = generated;
  if (expected === "validate-body") {
    const errors = await validateRequestBody(operation.method, operation.path, String(generated.body));
    const ifInvalid = PARTIAL_OPERATIONS.has(operationId) ? "either" : "invalid";
    expected = errors.length === 0 ? "valid" : ifInvalid;
  }
  if (expected === "valid" && status >= 400 && !allowedErrors.includes(status))
    problems.push("valid request refused");
  if (expected === "invalid" && status < 400) problems.push("invalid request accepted");
  return problems.map((problem) => `${status}: ${problem}: ${text.slice(0, 300)}`);
}

describe(`${REQUESTS} requests generated from /openapi.json`, () => {
  const requestsPerOperation = Math.ceil(REQUESTS / OPERATIONS.length);
  it.each(OPERATIONS)("$operationId", async ({ operationId, method, path }) => {
    const documented = document.paths[path]?.[method] as unknown as {
      parameters?: Parameter[];
      requestBody?: { content: Record<string, { schema: JsonSchema }> };
    };
    const { parameters = [], requestBody } = documented;
    const body = requestBody?.content["application/json"]?.schema;
    const operation: Operation = { operationId, method, path, parameters, body };
    const request = fc.oneof(
      { arbitrary: createValidRequest(operation), weight: 2 },
      { arbitrary: createChangedRequest(operation), weight: 3 },
    );
    const concurrency = SEQUENTIAL_OPERATIONS.has(operationId) ? 1 : CONCURRENT_REQUESTS;
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: concurrency, maxLength: concurrency }),
        async (requests) => {
          const problems = await Promise.all(requests.map((request) => findProblems(operation, request)));
          expect(problems.flat()).toEqual([]);
        },
      ),
      { numRuns: Math.ceil(requestsPerOperation / concurrency), seed: SEED },
    );
    expect(counts.succeeded.get(operationId) ?? 0).toBeGreaterThan(5);
  });
});
