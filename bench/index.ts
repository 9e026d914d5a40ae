/**
 * Runs the benchmarks one after the other, each in its own process. They need only this repository. If
 * Debian's python3-xgboost is installed, they also measure the original XGBoost.
 *
 *   npm run bench                    all benchmarks
 *   npm run bench -- boosting log    the named benchmarks
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** By name: the script in this folder and its arguments. */
const BENCHMARKS: Readonly<Record<string, readonly [script: string, ...args: string[]]>> = {
  boosting: ["boosting/fit-time.ts"],
  accuracy: ["boosting/accuracy.ts"],
  settings: ["boosting/settings.ts"],
  train: ["boosting/train.ts"],
  import: ["boosting/xgboost-import.ts"],
  inference: ["inference/inference.ts"],
  background: ["explanation/background-size.ts"],
  details: ["server/prediction-details.ts"],
  load: ["server/log-load.ts"],
  log: ["server/log.ts"],
  aliases: ["server/aliases.ts"],
  keys: ["server/keys.ts"],
};

const scripts = Object.values(BENCHMARKS).map(([script]) => script);
const missingScripts = scripts.filter((script) => !existsSync(toPath(script)));
if (missingScripts.length > 0) fail(`missing scripts: ${missingScripts.join(", ")}`);
const names = process.argv.slice(2);
const unknownNames = names.filter((name) => !(name in BENCHMARKS));
if (unknownNames.length > 0)
  fail(`unknown benchmark: ${unknownNames.join(", ")} (known: ${Object.keys(BENCHMARKS).join(", ")})`);

for (const name of names.length > 0 ? names : Object.keys(BENCHMARKS)) {
  const [script, ...args] = BENCHMARKS[name]!;
  console.log(`\n## ${name}\n`);
  const { status } = spawnSync(process.execPath, [toPath(script), ...args], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}

function toPath(script: string): string {
  return join(import.meta.dirname, script);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
