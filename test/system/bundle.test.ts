import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "smol-toml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDevelopmentVars } from "../../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT, WRANGLER } from "../../cloudflare/wrangler.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const MAX_GZIPPED_MIB = 4.5;
/** The types of bindings that are variables or secrets. */
const VARIABLE_TYPES: readonly string[] = ["plain_text", "secret_text", "json"];
const folder = createScratchFolder();
const metafile = join(folder.path, "meta.json");
const outdir = join(folder.path, "out");
const uploadFile = join(folder.path, "upload");
beforeAll(() => {
  const files = ["--outdir", outdir, "--outfile", uploadFile, "--metafile", metafile];
  execFileSync(process.execPath, [WRANGLER, "deploy", "--dry-run", ...files], {
    cwd: REPOSITORY_ROOT,
    stdio: "pipe",
  });
});
afterAll(() => folder.remove());

test(`the bundle contains no code of Node or of the training, and is below ${MAX_GZIPPED_MIB} MiB gzipped`, () => {
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

test("a deployment has the variables of wrangler.toml, and none of .dev.vars and .env", () => {
  const metadata = /name="metadata"\s+(\{.*)/.exec(readFileSync(uploadFile, "latin1"))?.[1] ?? "{}";
  const { bindings } = JSON.parse(metadata) as { bindings: { name: string; type: string; text?: string }[] };
  const uploadedVars = bindings.filter(({ type }) => VARIABLE_TYPES.includes(type));
  const { vars } = parse(readFileSync(join(REPOSITORY_ROOT, "wrangler.toml"), "utf8"));
  expect(Object.fromEntries(uploadedVars.map(({ name, text }) => [name, text]))).toEqual(vars);
  expect(vars).toMatchObject({ ACCESS: "keys", RATE_LIMITS: "on", ALLOWED_HOSTS: "" });
  // The values differ, so the test would notice a variable of .dev.vars.
  expect(readDevelopmentVars()).toMatchObject({ ACCESS: "open", RATE_LIMITS: "off" });
});
