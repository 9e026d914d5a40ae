/**
 * `npm run models -- prune --keep 20`: deletes old model versions that no alias needs.
 * `npm run models -- export gradient-boosting@1 --out FOLDER`: writes a version as a model of MLflow.
 */
import { addTargetOptions, createCommand, readTarget, runCommand } from "../cloudflare/command-line.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { exportVersion, parseModel } from "./models/export.ts";
import { prune } from "./models/prune.ts";

const program = addTargetOptions(createCommand("npm run models --"))
  .description("Manages model versions.")
  .configureHelp({ showGlobalOptions: true });
program
  .command("prune")
  .description("delete old versions that no alias needs")
  .option("--keep <number>", "newest versions of each model that stay", parseKeep, 20)
  .option("--dry-run", "only print the versions", false)
  .action((options) => prune(readTarget(program.opts()), options));
program
  .command("export")
  .description("write a version as a model of MLflow, which runs without MLflow too")
  .argument("<model>", "version (log-linear@3), name (its newest version) or alias (champion)", parseModel)
  .requiredOption("--out <folder>", "a new or empty folder, or an earlier export, which is replaced")
  .action((selector, options) => exportVersion(readTarget(program.opts()), selector, options.out));

await runCommand(async () => {
  await program.parseAsync();
});

function parseKeep(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UserError("--keep must be a whole number from 1 to 999999");
  return Number(text);
}
