/** Builds the pages and static files that the Worker serves into dist/assets. wrangler and the tests run this first. */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { build } from "vite";

const root = join(import.meta.dirname, "..");
const target = join(root, "dist/assets");
const hashFile = join(root, "dist/assets.sha256");
const swaggerUi = join(root, "node_modules/swagger-ui-dist");

// Several servers can start at once. None of them may remove the files that another one serves.
const hash = hashInputs();
if (!existsSync(hashFile) || readFileSync(hashFile, "utf8") !== hash) await buildAssets();

async function buildAssets(): Promise<void> {
  const folder = join(root, `dist/assets-${process.pid}`);
  await build({ configFile: join(root, "web/vite.config.ts"), build: { outDir: folder } });
  mkdirSync(join(folder, "docs"), { recursive: true });
  for (const file of ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE"])
    cpSync(join(swaggerUi, file), join(folder, "docs", file));
  rmSync(target, { recursive: true, force: true });
  renameSync(folder, target);
  writeFileSync(hashFile, hash);
}

/** Everything that the result depends on. */
function hashInputs(): string {
  const files = globSync(
    ["web/**/*.*", "src/{domain,lib}/**/*.ts", "scripts/build-assets.ts", "package-lock.json"],
    {
      cwd: root,
    },
  );
  const digest = createHash("sha256");
  for (const file of files.sort())
    digest
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  return digest.digest("hex");
}
