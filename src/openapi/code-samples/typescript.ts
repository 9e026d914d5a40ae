import type { ExampleCall } from "./call.ts";
import { formatLiteral, type LiteralStyle } from "./literal.ts";

const STYLE: LiteralStyle = {
  words: { true: "true", false: "false", null: "null" },
  formatKey: (key) => (/^[a-z_$][\w$]*$/i.test(key) ? key : JSON.stringify(key)),
  padding: " ",
  indent: "  ",
};

/** The call with the client in clients/typescript. */
export function formatTypeScript(call: ExampleCall, server: string): string {
  const { method, path, pathValues, id, query, body, needsKey, isJson } = call;
  const options = [`baseUrl: ${JSON.stringify(server)}`, ...(needsKey ? ["key: process.env.FACET_KEY"] : [])];
  const lines = [
    "// facet-client is in clients/typescript of Facet's repository; its README says how to install it.",
    'import { createFacetClient, readAnswer } from "facet-client";',
    "",
    `const facet = createFacetClient({ ${options.join(", ")} });`,
  ];
  if (id !== null) lines.push(`// ${id.source}`, `const id = ${JSON.stringify(id.value)};`);
  const members = formatCallOptions({ pathValues, id, query, body, isJson });
  const argument = members.length === 0 ? "" : `, {\n${members.map((line) => `  ${line},\n`).join("")}}`;
  lines.push(`const call = facet.${method}(${JSON.stringify(path)}${argument});`);
  lines.push("console.log(await readAnswer(call));", "");
  return lines.join("\n");
}

function formatCallOptions({
  pathValues,
  id,
  query,
  body,
  isJson,
}: Pick<ExampleCall, "pathValues" | "id" | "query" | "body" | "isJson">): string[] {
  const formatMembers = (values: object) =>
    Object.entries(values).map(([name, value]) => `${STYLE.formatKey(name)}: ${formatLiteral(value, STYLE)}`);
  const path = [...(id === null ? [] : ["id"]), ...formatMembers(pathValues)];
  const places = [
    ["path", path],
    ["query", formatMembers(query)],
  ] as const;
  const params = places
    .filter(([, members]) => members.length > 0)
    .map(([name, members]) => `${name}: { ${members.join(", ")} }`);
  const options = params.length > 0 ? [`params: { ${params.join(", ")} }`] : [];
  if (body !== undefined) options.push(`body: ${formatLiteral(body, STYLE, "  ")}`);
  if (!isJson) options.push('parseAs: "text"');
  return options;
}
