/** Gathers the static files that the Worker serves into dist/assets. wrangler and the tests run this first. */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, "dist/assets");
const swagger = join(root, "node_modules/swagger-ui-dist");

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "docs"), { recursive: true });
for (const file of ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE"]) {
  cpSync(join(swagger, file), join(out, "docs", file));
}
cpSync(join(root, "web"), out, { recursive: true });
