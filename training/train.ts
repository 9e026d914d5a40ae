import { appendFile, writeFile } from "node:fs/promises";
import { reportUserError } from "../cloudflare/command-line.ts";
import { createSpinner } from "../cloudflare/spinner.ts";
import { readOptions } from "./cli/options.ts";
import { formatAlerts, formatJson, formatMarkdown, formatTable } from "./cli/summary.ts";
import { type PipelineStep, type ReportProgress, train } from "./pipeline.ts";

/** Shows the current step of a run on one line, which stays when the next step begins. */
function createProgressDisplay(): { report: ReportProgress; stop: (succeeded: boolean) => void } {
  const spinner = createSpinner({ discardStdin: false });
  let current: PipelineStep | null = null;
  const report: ReportProgress = (step, text) => {
    if (step === current) {
      spinner.text = text;
      return;
    }
    if (current !== null) spinner.succeed();
    current = step;
    spinner.start(text);
  };
  const stop = (succeeded: boolean) => {
    if (current !== null) succeeded ? spinner.succeed() : spinner.fail();
  };
  return { report, stop };
}

const progress = createProgressDisplay();
try {
  const options = readOptions(process.argv.slice(2), process.env);
  const run = await train(options, progress.report);
  progress.stop(true);
  if (options.json !== undefined) await writeFile(options.json, formatJson(run));
  // The summary file of a CI job may contain the output of other steps, so it is not overwritten.
  if (options.summary !== undefined) await appendFile(options.summary, formatMarkdown(run));
  console.log(formatTable(run));
  if (process.env.GITHUB_ACTIONS === "true") for (const line of formatAlerts(run)) console.log(line);
} catch (error) {
  progress.stop(false);
  reportUserError(error);
}
