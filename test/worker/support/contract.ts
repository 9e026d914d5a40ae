/** Checks answers against the Worker's own OpenAPI document, by Ajv (test/json-schema.ts). */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../../src/index.ts";

export interface Media {
  schema: object;
  examples?: Record<string, { value: unknown }>;
}

export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; description?: string }[];
  responses: Record<string, { description: string; content: Record<string, Media> }>;
}

export interface OpenApiDocument {
  openapi: string;
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
}

let document: Promise<OpenApiDocument> | undefined;

export function openApi(): Promise<OpenApiDocument> {
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

/** How a text of JSON differs from what a place in the document says; empty where it does not. */
async function check(place: readonly string[], json: string): Promise<string[]> {
  await openApi();
  const pointer = place.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  const response = await env.JSON_SCHEMA.fetch(`http://schema/?schema=${encodeURIComponent(pointer)}`, {
    method: "POST",
    body: json,
  });
  return response.json<string[]>();
}

/** How a body differs from what is documented for a request; empty where it does not. */
export function requestFaults(method: string, path: string, json: string): Promise<string[]> {
  return check(["paths", path, method, "requestBody", "content", "application/json", "schema"], json);
}

/** How a value differs from what is documented for an answer; empty where it does not. */
export async function differences(
  method: string,
  path: string,
  status: string,
  type: string,
  value: unknown,
): Promise<string[]> {
  const place = ["paths", path, method, "responses", status, "content", type, "schema"];
  return check(place, JSON.stringify(value));
}

/** What is wrong with an answer, by the document: an undocumented status, a body of another shape. */
export async function breaches(request: Request, response: Response, text: string): Promise<string[]> {
  const { paths } = await openApi();
  const { pathname } = new URL(request.url);
  const method = request.method.toLowerCase();
  const matching = Object.keys(paths).filter((path) =>
    new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`).test(pathname),
  );
  const path = matching.find((one) => !one.includes("{")) ?? matching[0];
  const operation = path && paths[path]?.[method];
  if (!path || !operation) return [];
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const documented = operation.responses[String(response.status)]?.content[type];
  if (documented === undefined) return [`${method} ${path}: ${response.status} ${type} is not documented`];
  if (!/json$/.test(type) || type === "application/x-ndjson") return [];
  return differences(
    method,
    path,
    String(response.status),
    type,
    type.endsWith("json") ? JSON.parse(text) : text,
  );
}
