/** Generates the types of the client (clients/typescript) from the Worker's OpenAPI document. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDevServer } from "../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT } from "../cloudflare/wrangler.ts";
import { formatProblemTypes, type OpenApiProblems } from "./client/problem-types.ts";

const generators = join(REPOSITORY_ROOT, "test/clients");
const target = join(REPOSITORY_ROOT, "clients/typescript/src");
const server = await startDevServer({ vars: { ACCESS: "open" } });
try {
  if (!(await server.waitUntilReady("/openapi.json"))) throw new Error("the server was not ready in time");
  const documentUrl = `${server.url}/openapi.json`;
  execFileSync(
    join(generators, "node_modules/.bin/openapi-typescript"),
    [documentUrl, "-o", join(target, "schema.ts")],
    { cwd: generators, stdio: "inherit" },
  );
  const document = (await (await fetch(documentUrl)).json()) as OpenApiProblems;
  writeFileSync(join(target, "problem-types.ts"), formatProblemTypes(document));
} finally {
  await server.stop();
}
