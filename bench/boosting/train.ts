/**
 * Measures a whole training run without any cache: a new registry, the embedded dataset, all models,
 * published locally.
 *
 *   node bench/boosting/train.ts            the median of 5 runs
 *   node bench/boosting/train.ts --runs 9
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { median } from "../../src/lib/statistics.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "5" } } });
const folder = createScratchFolder();
const seconds: number[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  // The cache holds copies of published files and wrangler's compiled code.
  rmSync(join(REPOSITORY_ROOT, "node_modules/.cache"), { recursive: true, force: true });
  const start = performance.now();
  const { status, stderr } = spawnSync("npm", ["run", "train", "--", "--state", join(folder, String(run))], {
    cwd: REPOSITORY_ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  seconds.push((performance.now() - start) / 1000);
}
const times = seconds.map((value) => value.toFixed(1)).join(", ");
console.log(
  `npm run train without cache: median ${median(seconds).toFixed(1)} s of ${seconds.length} runs (${times})`,
);
