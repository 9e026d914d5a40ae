/** Generates web/api/schema.d.ts, the types of the API that the pages use, from the Worker's OpenAPI document. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { startDevServer } from "../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT } from "../cloudflare/wrangler.ts";

const clients = join(REPOSITORY_ROOT, "test/clients");
const server = await startDevServer({ vars: { ACCESS: "open" } });
try {
  if (!(await server.waitUntilReady("/openapi.json"))) throw new Error("the server was not ready in time");
  const output = join(REPOSITORY_ROOT, "web/api/schema.d.ts");
  execFileSync(
    join(clients, "node_modules/.bin/openapi-typescript"),
    [`${server.url}/openapi.json`, "-o", output],
    { cwd: clients, stdio: "inherit" },
  );
} finally {
  await server.stop();
}
