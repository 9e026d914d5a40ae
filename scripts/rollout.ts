/**
 * `node scripts/rollout.ts --url https://...`: deploys the Worker of this checkout to all callers in steps.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createCommand, runCommand } from "../cloudflare/command-line.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { WORKER_NAME } from "../cloudflare/worker-config.ts";
import { runWranglerWithRetry, WranglerError } from "../cloudflare/wrangler.ts";
import { rollOutProgressively } from "./progressive-rollout.ts";

const CHECK_TIMEOUT_MS = 20_000;

const command = createCommand("node scripts/rollout.ts")
  .description("Deploys the Worker of this checkout to all callers in steps.")
  .requiredOption("--url <url>", "address of the Worker", toReadyUrl)
  .option("--check-interval <seconds>", "time between two checks; each step has six", parseSeconds, 10)
  .action(({ url, checkInterval }: { url: URL; checkInterval: number }) => rollOut(url, checkInterval));

await runCommand(async () => {
  await command.parseAsync();
});

function toReadyUrl(text: string): URL {
  const url = URL.parse("/ready", text);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    throw new UserError("--url must be the address of the Worker, such as https://facet.example.workers.dev");
  }
  return url;
}

function parseSeconds(text: string): number {
  if (!/^\d{1,4}(\.\d+)?$/.test(text) || Number(text) > 3600)
    throw new UserError("--check-interval must be a number of seconds from 0 to 3600");
  return Number(text);
}

/** Every call may be repeated: a version that is uploaded twice gets no callers, and percentages are set. */
async function rollOut(readyUrl: URL, checkInterval: number): Promise<void> {
  try {
    await rollOutProgressively({
      checkIntervalMs: checkInterval * 1000,
      runWrangler: async (args) => String(await runWranglerWithRetry(args)),
      uploadVersion,
      checkVersion: (version) => checkVersion(readyUrl, version),
      sleep,
      report: console.log,
    });
  } catch (error) {
    // A failed build needs more than its first line to be understood.
    if (error instanceof WranglerError) console.error(error.output);
    throw error;
  }
}

async function uploadVersion(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "facet-"));
  try {
    // wrangler writes one line of JSON to this file for each action.
    const path = join(folder, "output.ndjson");
    await runWranglerWithRetry(["versions", "upload"], { WRANGLER_OUTPUT_FILE_PATH: path });
    const lines = (await readFile(path, "utf8")).trim().split("\n");
    const entries = lines.map((line) => JSON.parse(line) as { type: string; version_id?: string });
    const id = entries.find((entry) => entry.type === "version-upload")?.version_id;
    if (id === undefined) throw new UserError("wrangler reports no uploaded version");
    return id;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The override header sends the request to this version, whatever its percentage of callers is. */
async function checkVersion(readyUrl: URL, version: string): Promise<string | null> {
  try {
    const response = await fetch(readyUrl, {
      headers: { "Cloudflare-Workers-Version-Overrides": `${WORKER_NAME}="${version}"` },
      signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok ? null : `${readyUrl.pathname} answered ${response.status}`;
  } catch (error) {
    return `${readyUrl.pathname}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
