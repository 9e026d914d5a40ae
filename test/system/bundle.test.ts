import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { WRANGLER } from "../../cloudflare/wrangler.ts";
import { ROOT, scratchFolder } from "./trainer.ts";

const folder = scratchFolder();
afterAll(() => folder.remove());

test("what is deployed holds nothing of the training and stays below 4.5 MiB gzipped", () => {
  const meta = join(folder.path, "meta.json");
  const out = join(folder.path, "out");
  execFileSync(process.execPath, [WRANGLER, "deploy", "--dry-run", "--outdir", out, "--metafile", meta], {
    cwd: ROOT,
    stdio: "pipe",
  });
  const inputs = Object.keys((JSON.parse(readFileSync(meta, "utf8")) as { inputs: object }).inputs);
  expect(inputs).toContain("src/index.ts");
  expect(
    inputs.filter((path) => /(^|\/)(training|scripts|test)\//.test(path) && !path.includes("node_modules")),
  ).toEqual([]);
  expect(inputs.filter((path) => path.startsWith("node:"))).toEqual([]);
  const shipped = readdirSync(out).filter((file) => !file.endsWith(".map") && file !== "README.md");
  const bytes = shipped.reduce((sum, file) => sum + gzipSync(readFileSync(join(out, file))).length, 0);
  expect(bytes / 2 ** 20).toBeLessThan(4.5);
});
