import { appendFile, writeFile } from "node:fs/promises";
import ora from "ora";
import { toUserError } from "../cloudflare/user-error.ts";
import { readOptions } from "./cli/options.ts";
import { resultJson, summaryMarkdown, summaryTable } from "./cli/summary.ts";
import { type ReportProgress, type Step, train } from "./pipeline.ts";

/** Shows a run's steps as they go: one line a step, kept when the next begins. */
function progress(): { report: ReportProgress; stop: (failed: boolean) => void } {
  const spinner = ora({ discardStdin: false });
  let current: Step | null = null;
  const report: ReportProgress = (step, text) => {
    if (step === current) {
      spinner.text = text;
      return;
    }
    if (current !== null) spinner.succeed();
    current = step;
    spinner.start(text);
  };
  const stop = (failed: boolean) => {
    if (current !== null) failed ? spinner.fail() : spinner.succeed();
  };
  return { report, stop };
}

const { report, stop } = progress();
try {
  const options = readOptions(process.argv.slice(2), process.env);
  const run = await train(options, report);
  stop(false);
  if (options.json !== null) await writeFile(options.json, resultJson(run));
  // Appended: a CI job's summary file may hold what other steps said.
  if (options.summary !== null) await appendFile(options.summary, summaryMarkdown(run));
  console.log(summaryTable(run));
} catch (error) {
  const failure = toUserError(error);
  if (failure === null) throw error;
  stop(failure.exitCode !== 0);
  if (failure.exitCode === 0) console.log(failure.message);
  else console.error(failure.message);
  process.exitCode = failure.exitCode;
}
