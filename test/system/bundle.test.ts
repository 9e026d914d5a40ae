import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { REPOSITORY_ROOT, WRANGLER } from "../../cloudflare/wrangler.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const MAX_GZIPPED_MIB = 4.5;
const folder = createScratchFolder();
afterAll(() => folder.remove());

test(`the bundle contains no code of Node or of the training, and is below ${MAX_GZIPPED_MIB} MiB gzipped`, () => {
  const metafile = join(folder.path, "meta.json");
  const outdir = join(folder.path, "out");
  execFileSync(
    process.execPath,
    [WRANGLER, "deploy", "--dry-run", "--outdir", outdir, "--metafile", metafile],
    { cwd: REPOSITORY_ROOT, stdio: "pipe" },
  );
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: object };
  const paths = Object.keys(inputs);
  expect(paths).toContain("src/index.ts");
  expect(
    paths.filter(
      (path) => /(^|\/)(training|cloudflare|scripts|test)\//.test(path) && !path.includes("node_modules"),
    ),
  ).toEqual([]);
  expect(paths.filter((path) => path.startsWith("node:"))).toEqual([]);

  const uploadedFiles = readdirSync(outdir).filter((file) => !file.endsWith(".map") && file !== "README.md");
  const sizes = uploadedFiles.map((file) => gzipSync(readFileSync(join(outdir, file))).length);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  expect(bytes / 2 ** 20).toBeLessThan(MAX_GZIPPED_MIB);
});
