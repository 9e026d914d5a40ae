/** Checks answers against the Worker's own OpenAPI document with Ajv (test/support/json-schema.ts). */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../../src/worker.ts";
import type { JsonSchema } from "./arbitrary.ts";

export interface MediaType {
  schema: JsonSchema;
  examples?: Record<string, { value: unknown }>;
}

export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, MediaType> };
  responses: Record<string, { description: string; content?: Record<string, MediaType> }>;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema: JsonSchema & { example?: unknown };
}

export interface OpenApiDocument {
  openapi: string;
  tags: { name: string }[];
  components: { schemas: Record<string, JsonSchema & { example?: unknown }> };
  paths: Record<string, Record<string, Operation>>;
}

let document: Promise<OpenApiDocument> | undefined;

export function readOpenApiDocument(): Promise<OpenApiDocument> {
  document ??= (async () => {
    const context = createExecutionContext();
    const response = await worker.fetch(new Request("https://facet.test/openapi.json"), env, context);
    const text = await response.text();
    await waitOnExecutionContext(context);
    await env.JSON_SCHEMA.fetch("http://schema/", { method: "PUT", body: text });
    return JSON.parse(text);
  })();
  return document;
}

/** Validates JSON against one part of the document and returns the errors. */
async function validateAgainstSchema(path: readonly string[], json: string): Promise<string[]> {
  await readOpenApiDocument();
  const pointer = path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  const response = await env.JSON_SCHEMA.fetch(`http://schema/?schema=${encodeURIComponent(pointer)}`, {
    method: "POST",
    body: json,
  });
  return response.json<string[]>();
}

/** Validates a request body against its documented schema and returns the errors. */
export function validateRequestBody(method: string, path: string, json: string): Promise<string[]> {
  return validateAgainstSchema(
    ["paths", path, method, "requestBody", "content", "application/json", "schema"],
    json,
  );
}

/** Validates a response body against its documented schema and returns the errors. */
export async function validateResponseBody(
  method: string,
  path: string,
  status: string,
  type: string,
  value: unknown,
): Promise<string[]> {
  return validateAgainstSchema(
    ["paths", path, method, "responses", status, "content", type, "schema"],
    JSON.stringify(value),
  );
}

/** Finds an undocumented status or content type, or a body that does not match its schema. */
export async function findContractViolations(
  request: Request,
  response: Response,
  text: string,
): Promise<string[]> {
  const { paths } = await readOpenApiDocument();
  const { pathname } = new URL(request.url);
  const method = request.method.toLowerCase();
  const matchingPaths = Object.keys(paths).filter((path) =>
    new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`).test(pathname),
  );
  const path = matchingPaths.find((candidate) => !candidate.includes("{")) ?? matchingPaths[0];
  const operation = path && paths[path]?.[method];
  if (!path || !operation) return [];
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const documented = operation.responses[String(response.status)];
  // The answer to a conditional request has no body.
  if (documented !== undefined && documented.content === undefined)
    return text === "" ? [] : [`${method} ${path}: ${response.status} must have no body`];
  if (documented?.content?.[type] === undefined)
    return [`${method} ${path}: ${response.status} ${type} is not documented`];
  if (!/json$/.test(type) || type === "application/x-ndjson") return [];
  return validateResponseBody(
    method,
    path,
    String(response.status),
    type,
    type.endsWith("json") ? JSON.parse(text) : text,
  );
}
