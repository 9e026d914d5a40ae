/**
 * Runs benchmarks one after the other, each in its own process. They need only this repository. If Debian's
 * python3-xgboost is installed, `boosting` and `accuracy` also measure the original XGBoost.
 *
 *   npm run bench                                    all benchmarks but cluster and mlflow; the same as npm run bench -- all
 *   npm run bench -- serve cold --json FILE          some, with their options (docs/performance.md)
 *   node bench/report.ts FILE                        writes the results into docs/performance.md
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createScratchFolder } from "./support/scratch-folder.ts";

interface Script {
  readonly path: string;
  /** Whether it has the options of support/benchmark.ts. */
  readonly hasCommonOptions?: boolean;
  /** Whether it is run only if it is named, because it takes long or installs large Python packages. */
  readonly isNamedOnly?: boolean;
}

const serving = (name: string): Script => ({ path: `serving/${name}.ts`, hasCommonOptions: true });

const BENCHMARKS: Readonly<Record<string, Script>> = {
  serve: serving("serve"),
  cold: serving("cold"),
  batch: serving("batch"),
  similar: serving("similar"),
  registry: serving("registry"),
  sessions: serving("sessions"),
  growth: { path: "growth/growth.ts", hasCommonOptions: true },
  details: { path: "server/prediction-details.ts" },
  load: { path: "server/log-load.ts" },
  log: { path: "server/log.ts" },
  logs: { path: "logs/logs.ts", hasCommonOptions: true },
  aliases: { path: "server/aliases.ts" },
  keys: { path: "server/keys.ts" },
  inference: { path: "inference/inference.ts" },
  boosting: { path: "boosting/fit-time.ts", hasCommonOptions: true },
  accuracy: { path: "boosting/accuracy.ts" },
  settings: { path: "boosting/settings.ts" },
  train: { path: "boosting/train.ts" },
  import: { path: "boosting/xgboost-import.ts" },
  cluster: { path: "cluster/cluster.ts", hasCommonOptions: true, isNamedOnly: true },
  mlflow: { path: "export/mlflow.ts", hasCommonOptions: true, isNamedOnly: true },
  background: { path: "explanation/background-size.ts" },
};

const args = process.argv.slice(2);
const firstOption = args.findIndex((arg) => arg.startsWith("-"));
const given = firstOption < 0 ? args : args.slice(0, firstOption);
const all = Object.keys(BENCHMARKS).filter((name) => !BENCHMARKS[name]!.isNamedOnly);
const names = given.length === 0 || given.includes("all") ? all : given;
const options = firstOption < 0 ? [] : args.slice(firstOption);
const unknownNames = names.filter((name) => !(name in BENCHMARKS));
if (unknownNames.length > 0) {
  console.error(
    `unknown benchmark: ${unknownNames.join(", ")} (known: ${Object.keys(BENCHMARKS).join(", ")})`,
  );
  process.exit(1);
}

// Several benchmarks train one state together.
const sharedState = options.some((option) => option.startsWith("--state"))
  ? []
  : ["--state", join(createScratchFolder(), "state")];
for (const name of names) {
  const { path, hasCommonOptions } = BENCHMARKS[name]!;
  console.log(`\n## ${name}\n`);
  // The others have options of their own, which make sense only for one benchmark.
  const scriptOptions = hasCommonOptions ? [...options, ...sharedState] : names.length === 1 ? options : [];
  const code = await runScript([join(import.meta.dirname, path), ...scriptOptions]);
  if (code !== 0) process.exitCode = 1;
}

/** Runs a script, passes signals on to it, and returns its exit code. A signal ends this process too. */
async function runScript(scriptArgs: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, scriptArgs, { stdio: "inherit" });
  let received: NodeJS.Signals | undefined;
  const passOn = (signal: NodeJS.Signals) => {
    received = signal;
    child.kill(signal);
  };
  process.on("SIGINT", passOn).on("SIGTERM", passOn);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  process.off("SIGINT", passOn).off("SIGTERM", passOn);
  if (received !== undefined) process.exit(1);
  return code;
}
