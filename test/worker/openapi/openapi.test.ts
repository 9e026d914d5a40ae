import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { APP_PAGES } from "../../../src/domain/routes.ts";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import worker from "../../../src/worker.ts";
import type { JsonSchema } from "../support/arbitrary.ts";
import { call, readLogRecord } from "../support/call.ts";
import {
  type OpenApiDocument,
  type Operation,
  readOpenApiDocument,
  validateResponseBody,
} from "../support/contract.ts";

let document: OpenApiDocument;
let operations: { method: string; path: string; operation: Operation }[];

beforeAll(async () => {
  document = await readOpenApiDocument();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
});

describe("the endpoints", () => {
  const files = import.meta.glob("../../../src/endpoints/*.ts", { eager: true });

  it("are all in the list of endpoints", () => {
    const classes = Object.entries(files)
      .filter(([path]) => !/\/(index|base)\.ts$/.test(path))
      .flatMap(([, module]) => Object.values(module));
    expect(new Set(classes)).toEqual(new Set(ENDPOINTS));
  });

  it("are all in the OpenAPI document", () => {
    const listed = ENDPOINTS.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(listed.sort());
  });
});

describe("/openapi.json", () => {
  it("has a summary and descriptions for each operation", () => {
    expect(document.openapi).toBe("3.1.0");
    const tags = document.tags.map(({ name }) => name);
    for (const { path, operation } of operations) {
      expect(operation.summary, path).toMatch(/^[A-Z].{5,}/);
      expect(operation.description.length, path).toBeGreaterThan(30);
      expect(tags).toContain(operation.tags[0]);
      for (const { name, description } of operation.parameters ?? [])
        expect(description, `${path} ${name}`).toMatch(/\./);
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  const common = ["401", "403", "421", "422", "429", "500", "503"];
  const body = ["400", "413", "415"];
  it.each([
    ["createPrediction", [...body, ...common, "404"]],
    ["createPredictions", [...body, ...common, "404"]],
    ["listSimilarDiamonds", ["304", ...common, "404"]],
    ["createAppraisals", [...body, ...common, "201"]],
    ["withdrawDiamond", [...common, "404"]],
    ["listModels", ["304", ...common]],
    ["listVersions", ["304", ...common, "404"]],
    ["getVersion", ["304", ...common, "404"]],
    ["getReport", ["304", ...common, "404"]],
    ["listAliasPeriods", ["304", ...common, "404"]],
    ["getAlias", ["304", ...common, "404"]],
    ["moveAlias", ["201", ...body, ...common, "409", "412"]],
    ["removeAlias", [...common, "404", "409", "412"]],
    ["createOutcome", ["201", ...body, ...common, "404"]],
    ["listRequests", common],
    ["exportRequests", common],
    ["getRequest", ["304", ...common, "404"]],
    ["eraseRequest", ["202", ...common, "404"]],
    ["getMonitoring", ["304", ...common]],
    ["getHealth", ["421", "500"]],
    ["getReadiness", ["421", "429", "500", "503"]],
  ])("documents every status code of %s", (id, statuses) => {
    const found = operations.find(({ operation }) => operation.operationId === id)?.operation;
    const success = ["createAppraisals", "createOutcome"].includes(id) ? [] : ["200"];
    expect(Object.keys(found?.responses ?? {}).sort()).toEqual([...success, ...statuses].sort());
  });

  it("has examples of problems that match their schema", async () => {
    let exampleCount = 0;
    for (const { method, path, operation } of operations) {
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        const media = content["application/problem+json"];
        if (status === "304") expect(content).toEqual({});
        else if (status.startsWith("2")) expect(Object.values(content)[0]?.schema).toBeDefined();
        else expect(media, `${path} ${status}`).toBeDefined();
        for (const { value } of Object.values(media?.examples ?? {})) {
          expect(value).toMatchObject({ status: Number(status) });
          expect(await validateResponseBody(method, path, status, "application/problem+json", value)).toEqual(
            [],
          );
          exampleCount++;
        }
      }
    }
    expect(exampleCount).toBeGreaterThan(30);
  });

  it("names the address that was asked as its server", async () => {
    for (const origin of ["https://facet.test", "https://prices.example:8443"]) {
      const context = createExecutionContext();
      const response = await worker.fetch(new Request(`${origin}/openapi.json`), env, context);
      expect(await response.json()).toMatchObject({ servers: [{ url: origin }] });
      await waitOnExecutionContext(context);
    }
  });

  it("has every body, every answer and every object in it as a named component", () => {
    const { schemas } = document.components;
    const places: string[] = [];
    const visit = (value: unknown, place: string, isComponent = false): void => {
      if (typeof value !== "object" || value === null) return;
      const schema = value as JsonSchema;
      if (!isComponent && schema.type === "object" && schema.properties)
        places.push(`${place}: inline object`);
      if (schema.type === "array" && schema.items === undefined) places.push(`${place}: no items`);
      if ("prefixItems" in schema || "allOf" in schema || "oneOf" in schema) places.push(`${place}: keyword`);
      if (schema.anyOf !== undefined) {
        const [reference, nothing, ...others] = schema.anyOf;
        const isNullable = reference?.$ref !== undefined && nothing?.type === "null" && others.length === 0;
        if (!isNullable) places.push(`${place}: anyOf`);
      }
      for (const [key, child] of Object.entries(schema)) {
        if (key !== "example" && key !== "examples") visit(child, `${place}/${key}`);
      }
    };
    for (const [name, schema] of Object.entries(schemas)) visit(schema, name, true);
    visit(document.paths, "paths");
    expect(places).toEqual([]);

    for (const { operation } of operations) {
      const bodies = [operation.requestBody, ...Object.values(operation.responses)];
      for (const [type, { schema }] of bodies.flatMap((body) => Object.entries(body?.content ?? {})))
        if (type.endsWith("json") && type !== "application/x-ndjson")
          expect(Object.keys(schema), operation.operationId).toEqual(["$ref"]);
    }
    const contents = Object.values(schemas).map((schema) => JSON.stringify(schema));
    expect(new Set(contents).size).toBe(contents.length);
  });

  it("lets every optional field of a body be null, and no required one", () => {
    const requests = ["Stone", "BatchRequest", "AppraisalsRequest", "MoveAliasRequest", "OutcomeRequest"];
    let optionalCount = 0;
    for (const name of requests) {
      const { properties = {}, required = [] } = document.components.schemas[name] ?? {};
      for (const [field, { type }] of Object.entries(properties)) {
        const isNullable = Array.isArray(type) && type.includes("null");
        expect(isNullable, `${name}.${field}`).toBe(!required.includes(field));
        if (isNullable) optionalCount++;
      }
    }
    expect(optionalCount).toBeGreaterThanOrEqual(10);
  });

  it("has examples for required parameters only, because API pages send every example", () => {
    for (const { operation } of operations) {
      for (const { name, required, schema } of operation.parameters ?? [])
        expect("example" in schema, `${operation.operationId} ${name}`).toBe(required === true);
    }
  });

  it.each(["recommended", "recommended-strict"])("passes the rules %s of Redocly", async (rules) => {
    const body = JSON.stringify(document);
    const url = `http://lint/?rules=${rules}`;
    const response = await env.OPENAPI_LINT.fetch(url, { method: "POST", body });
    expect(await response.json()).toEqual([]);
    const invalid = await env.OPENAPI_LINT.fetch(url, {
      method: "POST",
      body: '{"openapi":"3.1.0"}',
    });
    expect(await invalid.json()).not.toEqual([]);
  });

  it("is checked by a schema validator that finds wrong values", async () => {
    const wrong = { title: "Nothing", errors: [{ path: 1 }] };
    const errors = await validateResponseBody(
      "post",
      "/v1/predictions",
      "422",
      "application/problem+json",
      wrong,
    );
    expect(errors).toContain("/errors/0/path must be string");
  });
});

describe("/", () => {
  it("serves the page with its content security policy, and logs the request", async () => {
    const { status, response, id, text } = await call("/?carat=0.7&cut=Good");
    expect(status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(text).not.toMatch(/https?:\/\/|<style|style=|\son[a-z]+=|<script[^>]*>[^<]/i);
    expect(await readLogRecord(id)).toMatchObject({ status: 200, route: "/", responseBody: null });
  });

  it("has an ETag, and answers HEAD, and 405 for other methods", async () => {
    expect((await call("/")).response.headers.get("etag")).toMatch(/"/);
    expect((await call("/", { method: "HEAD" })).status).toBe(200);
    expect((await call("/", { method: "POST" })).status).toBe(405);
  });

  it.each(APP_PAGES)("links only to files that exist, at %s", async (page) => {
    const { text } = await call(page);
    const paths = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
    expect(paths.length).toBeGreaterThan(3);
    for (const path of paths) {
      const url = new URL(path, "https://facet.example");
      const file = await env.ASSETS.fetch(url);
      expect((file.ok ? file : (await call(path)).response).status, path).toBe(200);
    }
  });
});

describe("a page that has not changed", () => {
  it.each([...APP_PAGES, "/docs"])("is a 304 at %s, with the policy of the page", async (path) => {
    const first = (await call(path)).response.headers;
    const again = await call(path, { headers: { "if-none-match": first.get("etag") ?? "" } });
    expect(again.status).toBe(304);
    expect(first.get("content-security-policy")).toContain("script-src 'self'");
    expect(again.response.headers.get("content-security-policy")).toBe(first.get("content-security-policy"));
  });
});

describe("/docs", () => {
  it("loads nothing from other servers and has no inline script", async () => {
    const { response, text } = await call("/docs");
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(text).not.toMatch(/https?:\/\/|\/\/[a-z]|<style|style=|\son[a-z]+=/i);
    for (const [, attributes, content] of text.matchAll(/<script([^>]*)>([^<]*)/g)) {
      expect(attributes).toMatch(/src="\/docs\//);
      expect(content).toBe("");
    }
  });

  it("links only to files that exist", async () => {
    const { text } = await call("/docs");
    const paths = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
    expect(paths.length).toBeGreaterThan(3);
    for (const path of paths) {
      expect((await call(path)).status, path).toBe(200);
    }
  });

  it("serves files with their content type, and answers 304 if the file has not changed", async () => {
    for (const [file, type] of [
      ["swagger-ui-bundle.js", /^text\/javascript/],
      ["swagger-ui.css", /^text\/css/],
    ] as const) {
      const first = await call(`/docs/${file}`);
      expect(first.response.headers.get("content-type")).toMatch(type);
      const tag = first.response.headers.get("etag") ?? "";
      expect(tag).toMatch(/"/);
      const again = await call(`/docs/${file}`, { headers: { "if-none-match": tag } });
      expect([again.status, again.text]).toEqual([304, ""]);
      // The log has both requests, without the file.
      for (const { id, status } of [first, again])
        expect(await readLogRecord(id)).toMatchObject({ status, route: "/docs/:file", responseBody: null });
    }
  });

  it("answers 404 for other files, and 405 for other methods", async () => {
    for (const path of ["/docs/nothing.js", "/docs/..%2f_headers", "/docs/a/b"]) {
      const missing = await call(path);
      expect(missing.status, path).toBe(404);
      expect(missing.response.headers.get("content-type")).toBe("application/problem+json");
    }
    const { status, response } = await call("/docs/page.js", { method: "POST", body: "x" });
    expect(status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});
