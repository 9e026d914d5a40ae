/**
 * `node scripts/rollout.ts --url https://...`: deploys the Worker of this checkout to all callers in steps.
 * `npm run deploy` does the same, after what has to be done before.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createCommand, runCommand } from "../cloudflare/command-line.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { runWranglerWithRetry, WranglerError } from "../cloudflare/wrangler.ts";
import { checkReady } from "./deploy/check-ready.ts";
import { findCommit } from "./deploy/find-commit.ts";
import { uploadVersion } from "./deploy/worker.ts";
import { parseWorkerUrl } from "./deploy/worker-url.ts";
import { runWranglerReported } from "./deploy/wrangler-reports.ts";
import { CHECK_INTERVAL_MS, rollOutProgressively } from "./progressive-rollout.ts";

const command = createCommand("node scripts/rollout.ts")
  .description("Deploys the Worker of this checkout to all callers in steps.")
  .requiredOption("--url <url>", "address of the Worker", (text) => parseWorkerUrl(text, "--url"))
  .option(
    "--check-interval <seconds>",
    "time between two checks; each step has six",
    parseSeconds,
    CHECK_INTERVAL_MS / 1000,
  )
  .action(({ url, checkInterval }: { url: URL; checkInterval: number }) => rollOut(url, checkInterval));

await runCommand(async () => {
  await command.parseAsync();
});

function parseSeconds(text: string): number {
  if (!/^\d{1,4}(\.\d+)?$/.test(text) || Number(text) > 3600)
    throw new UserError("--check-interval must be a number of seconds from 0 to 3600");
  return Number(text);
}

/** Every call may be repeated: a version that is uploaded twice gets no callers, and percentages are set. */
async function rollOut(url: URL, checkInterval: number): Promise<void> {
  try {
    await rollOutProgressively({
      checkIntervalMs: checkInterval * 1000,
      runWrangler: async (args) => String(await runWranglerWithRetry(args)),
      uploadVersion: async () => uploadVersion(runWranglerReported, await findCommit()),
      checkVersion: (version) => checkReady(url, version),
      sleep,
      report: console.log,
    });
  } catch (error) {
    // A failed build needs more than its first line to be understood.
    if (error instanceof WranglerError) console.error(error.output);
    throw error;
  }
}
