import { UserError } from "../../cloudflare/user-error.ts";
import { rollOutProgressively } from "../progressive-rollout.ts";
import type { DeployDependencies, DeployResult } from "./dependencies.ts";
import type { WranglerReport } from "./wrangler-reports.ts";

/** A new address can take some minutes until it answers everywhere. */
const READY_TIMEOUT_MS = 300_000;
const READY_INTERVAL_MS = 5_000;

/** Deploys the Worker of this checkout to all callers at once. */
export async function deployAtOnce(
  { runWranglerReported }: DeployDependencies,
  result: DeployResult,
  commit: string | null,
): Promise<void> {
  const reports = await runWranglerReported(["deploy", ...tagVersion(commit)]);
  const targets = findReport(reports, "deploy").targets ?? [];
  result.url ??= findFirstUrl(targets.join("\n"));
}

/**
 * Deploys the Worker of this checkout to a growing percentage of callers.
 * @throws UserError if the new version is not ready. All callers are then back on the version before.
 */
export async function rollOut(
  { runWrangler, runWranglerReported, checkReady, sleep, report }: DeployDependencies,
  result: DeployResult,
  commit: string | null,
): Promise<void> {
  const url = result.url ?? (await setTriggers(runWrangler, null));
  result.url = url;
  await rollOutProgressively({
    runWrangler,
    sleep,
    report,
    uploadVersion: () => uploadVersion(runWranglerReported, commit),
    checkVersion: (version) => checkReady(url, version),
  });
}

/**
 * Uploads the Worker of this checkout as a new version without callers.
 * @returns the version's id
 */
export async function uploadVersion(
  runWranglerReported: DeployDependencies["runWranglerReported"],
  commit: string | null,
): Promise<string> {
  const reports = await runWranglerReported(["versions", "upload", ...tagVersion(commit)]);
  const { version_id } = findReport(reports, "version-upload");
  if (version_id === undefined) throw new UserError("wrangler reports no uploaded version");
  return version_id;
}

/** The tag of a version says which commit it is. Cloudflare accepts 25 characters. */
function tagVersion(commit: string | null): string[] {
  return commit === null ? [] : ["--tag", commit];
}

function findReport(reports: readonly WranglerReport[], type: string): WranglerReport {
  const report = reports.find((one) => one.type === type);
  if (report === undefined) throw new UserError(`wrangler reports no ${type}`);
  return report;
}

/** A target without a protocol is a host name; a cron trigger has no dot. */
function findFirstUrl(text: string): URL | null {
  const host = /(?:https:\/\/)?((?:[a-z0-9-]+\.)+[a-z]{2,})/i.exec(text)?.[1];
  return host === undefined ? null : new URL(`https://${host}`);
}

/**
 * Sets routes and cron triggers of a Worker that is deployed already. wrangler then prints its address. If this
 * checkout has other ones, the serving version has them until the rollout ends, which does no harm: it runs all
 * jobs at a time that it does not know.
 * @param knownUrl the address if it is known; null if it shall be found
 * @throws UserError if the address is not known and not found
 */
export async function setTriggers(
  runWrangler: DeployDependencies["runWrangler"],
  knownUrl: URL | null,
): Promise<URL> {
  const output = await runWrangler(["triggers", "deploy"]);
  const url = knownUrl ?? findFirstUrl(output);
  if (url !== null) return url;
  throw new UserError(
    "wrangler does not tell the address of the Worker: set --url or FACET_URL, such as https://facet.example.workers.dev",
  );
}

/** @throws UserError if the Worker is not ready in time */
export async function waitUntilReady(
  { checkReady, sleep, report }: DeployDependencies,
  url: URL,
): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += READY_INTERVAL_MS) {
    const problem = await checkReady(url);
    if (problem === null) return;
    if (waitedMs === 0) report(`   ${problem}; waiting`);
    if (waitedMs >= READY_TIMEOUT_MS) {
      throw new UserError(
        `${problem}, for ${READY_TIMEOUT_MS / 60_000} minutes; \`npx wrangler tail\` shows the reason. Run the command again when it is solved`,
      );
    }
    await sleep(READY_INTERVAL_MS);
  }
}
