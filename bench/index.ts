/**
 * Runs the benchmarks, each as a process of its own, one after the other. They need nothing but this
 * repository; where Debian's python3-xgboost is installed, real XGBoost is timed in the same run.
 *
 *   npm run bench                    all of them
 *   npm run bench -- boosting log    those named
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const BENCHES: Readonly<Record<string, readonly string[]>> = {
  boosting: ["boosting/boosting.ts"],
  accuracy: ["boosting/boosting.ts", "--accuracy"],
  settings: ["boosting/search.ts", "--final", "chosen"],
  train: ["boosting/train.ts"],
  import: ["boosting/xgboost-import.ts"],
  inference: ["inference/inference.ts"],
  load: ["server/log-load.ts"],
  log: ["server/log.ts"],
  aliases: ["server/aliases.ts"],
  keys: ["server/keys.ts"],
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(
    `${unknown.join(", ")}: there is no such bench; there are ${Object.keys(BENCHES).join(", ")}`,
  );
  process.exit(1);
}
for (const name of named.length > 0 ? named : Object.keys(BENCHES)) {
  const [file = "", ...args] = BENCHES[name] ?? [];
  console.log(`\n## ${name}\n`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
