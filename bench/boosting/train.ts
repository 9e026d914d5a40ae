/**
 * A whole training run, cold: a new registry, nothing cached, the embedded dataset, all models, published.
 *
 *   node bench/train.ts            the median of 5 runs
 *   node bench/train.ts --runs 9
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT, scratchFolder } from "../server/local-server.ts";
import { median } from "./diamonds.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "5" } } });
const folder = scratchFolder();
const seconds: number[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  // Copies of published files, and compiled code of wrangler.
  rmSync(join(ROOT, "node_modules/.cache"), { recursive: true, force: true });
  const start = performance.now();
  const { status, stderr } = spawnSync("npm", ["run", "train", "--", "--state", join(folder, String(run))], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  seconds.push((performance.now() - start) / 1000);
}
const all = seconds.map((one) => one.toFixed(1)).join(", ");
console.log(`npm run train, cold: median ${median(seconds).toFixed(1)} s of ${seconds.length} runs (${all})`);
