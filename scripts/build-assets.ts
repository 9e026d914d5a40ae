/** Copies the static files that the Worker serves to dist/assets. wrangler and the tests run this first. */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const target = join(root, "dist/assets");
const swaggerUi = join(root, "node_modules/swagger-ui-dist");

rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, "docs"), { recursive: true });
for (const file of ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE"])
  cpSync(join(swaggerUi, file), join(target, "docs", file));
cpSync(join(root, "web"), target, { recursive: true });
