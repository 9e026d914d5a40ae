/**
 * The API against its own OpenAPI document: cases made from the schemas, as they are and spoiled, at every
 * operation. Whether a spoiled body is still one is Ajv's word, not the Worker's.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import worker from "../../../src/index.ts";
import { byDocument, type Schema } from "../support/arbitrary.ts";
import { get, HOST, post, STONE } from "../support/call.ts";
import { breaches, type OpenApiDocument, openApi, requestFaults } from "../support/contract.ts";
import { bearer, makeKey } from "../support/keys.ts";
import { decode, point, publish, warmUp } from "../support/registry.ts";

/** In all; they are spread over the operations. */
const CASES = 10_000;
const SEED = 6;
const AT_ONCE = 20;
/** Those that give up when many others do the same at the same time. */
const IN_TURN = new Set(["moveAlias", "removeAlias"]);

/**
 * What a request that is right by its schema can be answered with besides success, because of what there
 * is: a name that nobody has, a rule between fields. An operation that is not here must succeed.
 */
const BY_STATE: Record<string, readonly number[]> = {
  createPrediction: [404],
  createPredictions: [404],
  listSimilarDiamonds: [404],
  withdrawDiamond: [404],
  listVersions: [404],
  getVersion: [404],
  getReport: [404],
  getAlias: [404],
  moveAlias: [409, 412, 422],
  removeAlias: [404, 409, 412],
  createOutcome: [404, 422],
  getRequest: [404],
  forgetRequest: [404],
};
/** Those that take what is right in a body and say what is not. */
const LENIENT = new Set(["createAppraisals"]);
/** Those that look at nothing of the request. */
const BLIND = new Set(["getHealth", "getReadiness"]);

interface Case {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  readonly chunked: boolean;
  /** `right`: as the document has it; `wrong`: must be refused; `body`: Ajv decides; `any`: must not break. */
  readonly is: "right" | "wrong" | "body" | "any";
  readonly spoiled: string;
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: Schema;
}

interface Described {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
}

const rank = ({ operationId }: { operationId: string }) =>
  operationId === "listRequests" ? 0 : operationId === "forgetRequest" ? 2 : 1;

const OPERATIONS = ENDPOINTS.map((Endpoint) => {
  const { operationId } = new Endpoint({} as never).schema;
  return { operationId, method: Endpoint.method, path: Endpoint.path.replaceAll(/:(\w+)/g, "{$1}") };
})
  // The log is searched while it is small: an export gives all of it. What is forgotten is forgotten last.
  .sort((a, b) => rank(a) - rank(b));

let document: OpenApiDocument;
let authorized: Record<string, string>;
let values: ReturnType<typeof byDocument>;
const pending: ExecutionContext[] = [];
const answered = { cases: 0, succeeded: new Map<string, number>(), statuses: new Map<number, number>() };

beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  document = await openApi();
  authorized = bearer(await makeKey("generator", ["predict", "appraise", "admin"]));
  await publish({ name: "steep", version: 1, file: "steep" });
  await warmUp();
  await publish({ name: "steep", version: 2, file: "shallow" });
  await publish({ name: "slope", version: 1, file: decode(inject("slopes")[0] ?? "") });
  await env.MODELS.put("reports/steep", "<!doctype html>");
  await env.DB.prepare("UPDATE models SET report = 'reports/steep' WHERE name = 'steep'").run();
  await point("champion", { name: "steep", version: 1 });
  await point("other", { name: "slope", version: 1 });
  const predictions = await Promise.all(
    Array.from({ length: 40 }, () => post<{ id: string }>("/v1/predictions", STONE)),
  );
  const priced = await call("/v1/diamonds", {
    method: "POST",
    headers: { ...authorized, "content-type": "application/json" },
    body: JSON.stringify({ diamonds: [{ ...STONE, price: 1500 }] }),
  });
  const { results } = (await priced.json()) as { results: { id: string }[] };
  const { body } = await get<{ aliases: object }>("/v1/models");
  expect(Object.keys(body.aliases)).toEqual(["champion", "other"]);
  values = byDocument(document, {
    alias: ["champion", "other", "challenger", "another"],
    model: ["steep@1", "steep@2", "slope@1"],
    canary: ["steep@2"],
    name: ["steep", "slope"],
    version: [1, 2],
    id: [...predictions.map(({ body }) => body.id), results[0]?.id],
  });
});

afterAll(async () => {
  await settle();
  vi.restoreAllMocks();
  const { cases, statuses } = answered;
  console.log(
    `${cases} cases: ${[...statuses]
      .sort()
      .map(([status, n]) => `${status} x ${n}`)
      .join(", ")}`,
  );
  expect(cases).toBeGreaterThanOrEqual(CASES);
});

async function settle(): Promise<void> {
  await Promise.all(pending.splice(0).map((context) => waitOnExecutionContext(context)));
}

/** Calls the Worker without waiting for the log. */
async function call(path: string, init: RequestInit): Promise<Response> {
  const context = createExecutionContext();
  pending.push(context);
  if (pending.length > 200) await settle();
  return worker.fetch(new Request(`${HOST}${path}`, init), env, context);
}

const encoder = new TextEncoder();
const part = (value: unknown) => encodeURIComponent(String(value));

/** A case that is right by the document. */
function right({ method, path, parameters, body }: Described): fc.Arbitrary<Case> {
  const parts = fc.tuple(
    ...parameters.map((parameter) => {
      // A cursor is opaque: only one that was given is right.
      if (parameter.name === "next") return fc.constant(undefined);
      const value = values.named(parameter.name, parameter.schema);
      // As parts of a path these are a step up, or none.
      if (parameter.in === "path") return value.filter((text) => text !== "." && text !== "..");
      return parameter.required ? value : fc.option(value, { freq: 3, nil: undefined });
    }),
  );
  const content = body === undefined ? fc.constant(undefined) : values.of(body);
  return fc.tuple(parts, content, fc.boolean()).map(([given, content, chunked]): Case => {
    let target = path;
    const query: string[] = [];
    const headers: Record<string, string> = { ...authorized };
    parameters.forEach((parameter, i) => {
      const value = given[i];
      if (value === undefined) return;
      if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, part(value));
      else if (parameter.in === "query") query.push(`${part(parameter.name)}=${part(value)}`);
      // Other characters are none that a header can have.
      else headers[parameter.name] = String(value).replaceAll(/[^\t\x20-\x7e]/g, "x");
    });
    if (content !== undefined) headers["content-type"] = "application/json";
    return {
      method: method.toUpperCase(),
      path: query.length > 0 ? `${target}?${query.join("&")}` : target,
      headers,
      body: content === undefined ? null : JSON.stringify(content),
      chunked,
      is: "right",
      spoiled: "",
    };
  });
}

/** Pieces of JSON that are seldom right. */
const LITERALS = [
  ..."null true false [] {} -0 0 -1 1e309 -1e309 1e-400 0.1 12345678901234567890 4.9e-324".split(" "),
  '""',
  '" "',
  '"\\ud800"',
  '"\\u0000"',
  '"1"',
  '"1e309"',
  '"NaN"',
  '"ideal"',
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
  "",
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

const spoilBody: fc.Arbitrary<(one: Case, text: string) => Partial<Case> | null>[] = [
  fc.constantFrom(...LITERALS).chain((literal) =>
    fc.nat().map((n) => (_: Case, text: string) => {
      const places = [...text.matchAll(/:("(?:[^"\\]|\\.)*"|[-+.\w]+)/g)];
      const place = places[n % Math.max(1, places.length)];
      if (place === undefined) return null;
      const body = `${text.slice(0, place.index + 1)}${literal}${text.slice(place.index + place[0].length)}`;
      return { is: "body", body, spoiled: `a value is ${literal.slice(0, 30)}` };
    }),
  ),
  fc.nat().map((n) => (_, text) => {
    const fields = Object.entries(JSON.parse(text) as object);
    fields.splice(n % Math.max(1, fields.length), 1);
    return { is: "body", body: JSON.stringify(Object.fromEntries(fields)), spoiled: "a field is left out" };
  }),
  fc.constantFrom(...KEYS).map((key) => (_, text) => ({
    is: "wrong",
    body: text.replace("{", `{${JSON.stringify(key)}:1,`).replace(",}", "}"),
    spoiled: `a key ${key.slice(0, 20)}`,
  })),
  fc
    .constantFrom(...LITERALS)
    .map((body) => () => ({ is: "body", body, spoiled: "all of it is something else" })),
  fc.json({ maxDepth: 4 }).map((body) => () => ({ is: "body", body, spoiled: "all of it is some JSON" })),
  fc.nat({ max: 100 }).map((n) => (_, text) => {
    const body = text.slice(0, Math.floor((text.length * n) / 101));
    return { is: "wrong", body, spoiled: "it breaks off" };
  }),
  fc.constant((_, text) => ({
    is: "any",
    body: text.replace(/^\{("\w+":(?:"(?:[^"\\]|\\.)*"|[-+.\w]+),)?/, "{$1$1"),
    spoiled: "a key comes twice",
  })),
  fc.constant((_, text) => ({ is: "body", body: `\ufeff${text}`, spoiled: "it has a byte order mark" })),
  fc.boolean().map((little) => (_, text) => {
    const body = new Uint8Array(text.length * 2);
    const view = new DataView(body.buffer);
    for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), little);
    return { is: "wrong", body, spoiled: "it is UTF-16" };
  }),
  fc.constantFrom([0xff], [0xed, 0xa0, 0x80], [0xe9], [0xc0, 0xaf], [0]).map((bytes) => (_, text) => ({
    is: "wrong",
    body: new Uint8Array([...encoder.encode(text.replace("{", '{"')), ...bytes, ...encoder.encode('":1}')]),
    spoiled: `it holds the bytes ${bytes}`,
  })),
  fc.constantFrom("gzip", "br", "deflate", "x").map((encoding) => ({ headers }) => ({
    is: "wrong",
    headers: { ...headers, "content-encoding": encoding },
    spoiled: `it is said to be ${encoding}`,
  })),
  fc.constant(({ headers }) => ({
    is: "wrong",
    headers,
    body: new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    spoiled: "it is gzip that does not say so",
  })),
  fc.constantFrom(...TYPES).map((type) => ({ headers }) => ({
    is: "wrong",
    headers: { ...headers, "content-type": type },
    spoiled: `its type is ${type}`,
  })),
];

const spoilTarget: fc.Arbitrary<(one: Case, operation: Described) => Partial<Case> | null>[] = [
  fc.constantFrom(...QUERIES).map((query) => (one, { operationId }) => ({
    is: BLIND.has(operationId) ? "any" : "wrong",
    path: `${one.path}${one.path.includes("?") ? "&" : "?"}${query}`,
    spoiled: "an unknown parameter",
  })),
  fc.tuple(fc.constantFrom(...NAMES), fc.nat()).map(([name, n]) => (one, { parameters }) => {
    const queries = parameters.filter((parameter) => parameter.in === "query");
    const parameter = queries[n % Math.max(1, queries.length)];
    if (parameter === undefined) return null;
    const [path, query = ""] = one.path.split("?");
    const others = query.split("&").filter((pair) => pair !== "" && !pair.startsWith(`${parameter.name}=`));
    return {
      is: "any",
      path: `${path}?${[...others, `${parameter.name}=${name}`].join("&")}`,
      spoiled: `${parameter.name} is ${name.slice(0, 20)}`,
    };
  }),
  fc.tuple(fc.constantFrom(...NAMES), fc.nat()).map(([name, n]) => (one, { path, parameters }) => {
    const places = parameters.filter((parameter) => parameter.in === "path");
    const place = places[n % Math.max(1, places.length)];
    if (place === undefined) return null;
    const at = path.split("/").indexOf(`{${place.name}}`);
    const [target = "", query] = one.path.split("?");
    const changed = target.split("/").with(at, name).join("/");
    return {
      // %2e%2e is a step up before anybody sees it.
      is: name === "%2e%2e" ? "any" : "wrong",
      path: query === undefined ? changed : `${changed}?${query}`,
      spoiled: `${place.name} is ${name.slice(0, 20)}`,
    };
  }),
  fc.constantFrom("PATCH", "PROPFIND", "LOCK", "MKCOL").map((method) => () => ({
    is: "wrong",
    method,
    spoiled: `the method is ${method}`,
  })),
  fc
    .constantFrom("", "Bearer", "Bearer facet_wrongwrongwrongwrong", "Basic x", "x".repeat(5000))
    .map((authorization) => ({ headers }) => ({
      is: "any",
      headers: { ...headers, authorization },
      spoiled: "a wrong key",
    })),
  fc
    .constantFrom("4", '"', 'W/"4"', "*, *", '"9999999999999999"', "x".repeat(5000))
    .map((match) => ({ headers }) => ({
      is: "any",
      headers: { ...headers, "if-match": match },
      spoiled: `If-Match is ${match.slice(0, 20)}`,
    })),
];

function spoiled(operation: Described): fc.Arbitrary<Case> {
  const body = fc.tuple(right(operation), fc.oneof(...spoilBody)).map(([one, spoil]) => {
    return { ...one, ...spoil(one, String(one.body)) } as Case;
  });
  const target = fc.tuple(right(operation), fc.oneof(...spoilTarget)).map(([one, spoil]) => {
    return { ...one, ...spoil(one, operation) } as Case;
  });
  return operation.body === undefined ? target : fc.oneof({ arbitrary: body, weight: 2 }, target);
}

/** What is wrong with the answer to a case; empty where nothing is. */
async function faultsOf(operation: Described, one: Case): Promise<string[]> {
  const { operationId } = operation;
  const { method, headers } = one;
  const bytes = typeof one.body === "string" ? encoder.encode(one.body) : one.body;
  const body = bytes !== null && one.chunked ? new Blob([bytes]).stream() : bytes;
  const response = await call(one.path, { method, headers, ...(body !== null && { body }) });
  const { status } = response;
  const text = await response.text();
  answered.cases++;
  answered.statuses.set(status, (answered.statuses.get(status) ?? 0) + 1);
  if (status < 300) answered.succeeded.set(operationId, (answered.succeeded.get(operationId) ?? 0) + 1);

  const request = new Request(`${HOST}${one.path}`, { method });
  const faults = await breaches(request, response, text);
  if (status >= 500) faults.push("an error of the server");
  if (status >= 300 && response.headers.get("content-type") !== "application/problem+json")
    faults.push("no problem");
  if (/\.ts:|node_modules|SQLITE|D1_ERROR|TypeError|\bat \w+ \(/.test(text))
    faults.push("tells of its inside");

  const allowed = [...(BY_STATE[operationId] ?? [])];
  let expected = one.is;
  if (expected === "body") {
    const wrong = (await requestFaults(operation.method, operation.path, String(one.body))).length > 0;
    expected = !wrong ? "right" : LENIENT.has(operationId) ? "any" : "wrong";
  }
  if (expected === "right" && status >= 300 && !allowed.includes(status))
    faults.push("is refused, and right by the document");
  if (expected === "wrong" && status < 400) faults.push("is taken, and not right");
  return faults.map((fault) => `${status}: ${fault}: ${text.slice(0, 300)}`);
}

describe(`${CASES} cases made from /openapi.json`, () => {
  const each = Math.ceil(CASES / OPERATIONS.length);
  it.each(OPERATIONS)("$operationId", async ({ operationId, method, path }) => {
    const found = document.paths[path]?.[method] as unknown as {
      parameters?: Parameter[];
      requestBody?: { content: Record<string, { schema: Schema }> };
    };
    const { parameters = [], requestBody } = found;
    const body = requestBody?.content["application/json"]?.schema;
    const operation: Described = { operationId, method, path, parameters, body };
    const one = fc.oneof(
      { arbitrary: right(operation), weight: 2 },
      { arbitrary: spoiled(operation), weight: 3 },
    );
    const atOnce = IN_TURN.has(operationId) ? 1 : AT_ONCE;
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: atOnce, maxLength: atOnce }), async (cases) => {
        const faults = await Promise.all(cases.map((one) => faultsOf(operation, one)));
        expect(faults.flat()).toEqual([]);
      }),
      { numRuns: Math.ceil(each / atOnce), seed: SEED },
    );
    expect(answered.succeeded.get(operationId) ?? 0).toBeGreaterThan(5);
  });
});
