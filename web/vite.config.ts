import { globSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vite";

/** Builds the pages into files with hashed names. scripts/build-assets.ts runs it. */
export default defineConfig({
  root: import.meta.dirname,
  logLevel: "warn",
  // Files under data: would need an exception in the content security policy.
  build: {
    emptyOutDir: true,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: globSync(join(import.meta.dirname, "*.html")),
    },
    outDir: join(import.meta.dirname, "../dist/assets"),
  },
});
