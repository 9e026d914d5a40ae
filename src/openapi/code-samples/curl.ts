import { type ExampleCall, formatUrl } from "./call.ts";

/** The call as a command of curl. */
export function formatCurl(call: ExampleCall, server: string): string {
  const { method, id, body, needsKey } = call;
  const options = [`"${formatUrl(call, server, "$ID")}"`];
  // curl sends a GET without a body, and a POST with one.
  if (method !== (body === undefined ? "GET" : "POST")) options.push(`-X ${method}`);
  if (needsKey) options.push(`-H "Authorization: Bearer $FACET_KEY"`);
  if (body !== undefined) {
    options.push(`-H "Content-Type: application/json"`);
    options.push(`-d '${JSON.stringify(body).replaceAll("'", String.raw`'\''`)}'`);
  }
  const lines = id === null ? [] : [`# ${id.source}`, `ID=${id.value}`];
  return [...lines, `curl -s ${options.join(" \\\n  ")}`, ""].join("\n");
}
