import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { ENDPOINTS } from "../../../src/endpoints/index.ts";
import { call, logged } from "../support/call.ts";
import { differences, type OpenApiDocument, type Operation, openApi } from "../support/contract.ts";

let document: OpenApiDocument;
let operations: { method: string; path: string; operation: Operation }[];

beforeAll(async () => {
  document = await openApi();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
});

describe("the endpoints", () => {
  const files = import.meta.glob("../../../src/endpoints/*.ts", { eager: true });

  it("are all in the list", () => {
    const classes = Object.entries(files)
      .filter(([path]) => !/\/(index|base)\.ts$/.test(path))
      .flatMap(([, module]) => Object.values(module));
    expect(new Set(classes)).toEqual(new Set(ENDPOINTS));
  });

  it("are all in the document", () => {
    const listed = ENDPOINTS.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(listed.sort());
  });
});

describe("/openapi.json", () => {
  it("documents each operation for people", () => {
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

  const common = ["401", "403", "422", "429", "500", "503"];
  const body = ["400", "413", "415"];
  it.each([
    ["createPrediction", [...body, ...common, "404"]],
    ["createPredictions", [...body, ...common, "404"]],
    ["listSimilarDiamonds", [...common, "404"]],
    ["createAppraisals", [...body, ...common, "201"]],
    ["withdrawDiamond", [...body, ...common, "404"]],
    ["listModels", common],
    ["listVersions", [...common, "404"]],
    ["getVersion", [...common, "404"]],
    ["getReport", [...common, "404"]],
    ["getAlias", [...common, "404"]],
    ["moveAlias", ["201", ...body, ...common, "409", "412"]],
    ["removeAlias", [...body, ...common, "404", "409", "412"]],
    ["createOutcome", ["201", ...body, ...common, "404"]],
    ["listRequests", common],
    ["getRequest", [...common, "404"]],
    ["forgetRequest", [...common, "404"]],
    ["getMonitoring", common],
    ["getHealth", ["500"]],
    ["getReadiness", ["429", "500", "503"]],
  ])("documents every status of %s", (id, statuses) => {
    const found = operations.find(({ operation }) => operation.operationId === id)?.operation;
    const made = ["createAppraisals", "createOutcome"].includes(id) ? [] : ["200"];
    expect(Object.keys(found?.responses ?? {}).sort()).toEqual([...made, ...statuses].sort());
  });

  it("gives an example of each problem that is one", async () => {
    let seen = 0;
    for (const { method, path, operation } of operations) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const media = content["application/problem+json"];
        if (status.startsWith("2")) expect(Object.values(content)[0]?.schema).toBeDefined();
        else expect(media, `${path} ${status}`).toBeDefined();
        for (const { value } of Object.values(media?.examples ?? {})) {
          expect(value).toMatchObject({ status: Number(status) });
          expect(await differences(method, path, status, "application/problem+json", value)).toEqual([]);
          seen++;
        }
      }
    }
    expect(seen).toBeGreaterThan(30);
  });

  it("is what Redocly asks for, in all its strictness", async () => {
    const body = JSON.stringify(document);
    const response = await env.OPENAPI_LINT.fetch("http://lint/", { method: "POST", body });
    expect(await response.json()).toEqual([]);
    const spoiled = await env.OPENAPI_LINT.fetch("http://lint/", {
      method: "POST",
      body: '{"openapi":"3.1.0"}',
    });
    expect(await spoiled.json()).not.toEqual([]);
  });

  it("is what it was checked to be: the check finds faults", async () => {
    const wrong = { title: "Nothing", errors: [{ path: 1 }] };
    const errors = await differences("post", "/v1/predictions", "422", "application/problem+json", wrong);
    expect(errors).toContain("/errors/0/path must be string");
  });
});

describe("/docs", () => {
  it("loads nothing from elsewhere and has no script inline", async () => {
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

  it("finds what it loads", async () => {
    const { text } = await call("/docs");
    const paths = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
    expect(paths.length).toBeGreaterThan(3);
    for (const path of paths) {
      expect((await call(path)).status, path).toBe(200);
    }
  });

  it("loads files with their types, once: the next time they are where they were", async () => {
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
      // In the log, without what is the same for everybody.
      for (const { id, status } of [first, again])
        expect(await logged(id)).toMatchObject({ status, route: "/docs/:file", responseBody: null });
    }
  });

  it("has no other files, and takes none", async () => {
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
