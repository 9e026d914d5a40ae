import { type ExampleCall, formatUrl } from "./call.ts";
import { formatLiteral, type LiteralStyle } from "./literal.ts";

const STYLE: LiteralStyle = {
  words: { true: "True", false: "False", null: "None" },
  formatKey: JSON.stringify,
  padding: "",
  indent: "    ",
};

/** The call with Python's standard library. */
export function formatPython(call: ExampleCall, server: string): string {
  const { method, id, body, needsKey, isJson } = call;
  const hasBody = body !== undefined;
  const lines: string[] = [];
  if (hasBody || isJson) lines.push("import json");
  if (needsKey) lines.push("import os");
  lines.push("import urllib.request", "");
  if (id !== null) lines.push(`# ${id.source}`, `ID = ${JSON.stringify(id.value)}`);
  if (hasBody) lines.push(`body = ${formatLiteral(body, STYLE)}`);
  const url = JSON.stringify(formatUrl(call, server, "{ID}"));
  lines.push("request = urllib.request.Request(", `    ${id === null ? "" : "f"}${url},`);
  if (method !== "GET") lines.push(`    method="${method}",`);
  // Cloudflare can be set to refuse the name that Python sends by itself.
  const headers = ['"User-Agent": "facet-example"'];
  if (needsKey) headers.push('"Authorization": "Bearer " + os.environ["FACET_KEY"]');
  if (hasBody) headers.push('"Content-Type": "application/json"');
  if (headers.length === 1) lines.push(`    headers={${headers[0]}},`);
  else lines.push("    headers={", ...headers.map((header) => `        ${header},`), "    },");
  if (hasBody) lines.push("    data=json.dumps(body).encode(),");
  lines.push(")", "with urllib.request.urlopen(request) as response:");
  lines.push(
    isJson ? "    print(json.dumps(json.load(response), indent=2))" : "    print(response.read().decode())",
    "",
  );
  return lines.join("\n");
}
