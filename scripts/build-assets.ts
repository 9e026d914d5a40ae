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
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { build } from "vite";

const root = join(import.meta.dirname, "..");
const target = join(root, "dist/assets");
const hashFile = join(root, "dist/assets.sha256");
/** A build takes a few seconds. */
const ABANDONED_AFTER_MS = 10 * 60_000;
const swaggerUi = join(root, "node_modules/swagger-ui-dist");

// Several servers can start at once. None of them may remove the files that another one serves.
const hash = hashInputs();
if (!existsSync(target) || !existsSync(hashFile) || readFileSync(hashFile, "utf8") !== hash)
  await buildAssets();

async function buildAssets(): Promise<void> {
  const folder = join(root, `dist/assets-${process.pid}`);
  removeAbandonedFolders();
  await build({ configFile: join(root, "web/vite.config.ts"), build: { outDir: folder } });
  mkdirSync(join(folder, "docs"), { recursive: true });
  for (const file of ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE"])
    cpSync(join(swaggerUi, file), join(folder, "docs", file));
  replaceTarget(folder);
  writeFileSync(hashFile, hash);
}

/** Two builds can do this at the same time. The result of the last one remains. */
function replaceTarget(folder: string): void {
  const previous = `${folder}-previous`;
  for (let isDone = false; !isDone; ) {
    try {
      if (existsSync(target)) renameSync(target, previous);
      renameSync(folder, target);
      isDone = true;
    } catch (error) {
      // The other build has moved the target, or has put a new one there.
      if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? ""))
        throw error;
    }
    rmSync(previous, { recursive: true, force: true });
  }
}

/** A build that wrangler stops, because a file has changed again, leaves its folder behind. */
function removeAbandonedFolders(): void {
  for (const name of globSync("dist/assets-*", { cwd: root })) {
    const path = join(root, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age > ABANDONED_AFTER_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Everything that the result depends on. */
function hashInputs(): string {
  const files = globSync(
    [
      "web/**/*.*",
      "src/{domain,lib}/**/*.ts",
      "clients/typescript/src/**/*.ts",
      "scripts/build-assets.ts",
      "package-lock.json",
    ],
    { cwd: root },
  );
  const digest = createHash("sha256");
  for (const file of files.sort())
    digest
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  return digest.digest("hex");
}
