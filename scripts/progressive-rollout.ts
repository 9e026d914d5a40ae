import { UserError } from "../cloudflare/user-error.ts";
import { WranglerError } from "../cloudflare/wrangler.ts";

/** The effects of a rollout, so that a test can replace them. */
export interface RolloutDependencies {
  /** Time between two checks of a version. Default: ten seconds. */
  readonly checkIntervalMs?: number;
  /** Runs wrangler and returns its standard output. */
  runWrangler(args: readonly string[]): Promise<string>;
  /** Uploads the Worker as a new version without traffic and returns its id. */
  uploadVersion(): Promise<string>;
  /** Returns why a version is not ready; null if it is ready. */
  checkVersion(version: string): Promise<string | null>;
  sleep(milliseconds: number): Promise<void>;
  report(message: string): void;
}

/** Percentages of callers on the new version. At 0 only the checks reach it. */
const PERCENTAGES = [0, 10, 50, 100];
/**
 * Checks per percentage. With ten seconds between them they take a minute, which is enough for most errors to
 * appear.
 */
const CHECKS = 6;
export const CHECK_INTERVAL_MS = 10_000;

/**
 * Deploys a new version of the Worker to all callers in steps, and checks it after each step.
 * @throws UserError if the version is not ready. All callers are then back on the previous version.
 */
export async function rollOutProgressively(dependencies: RolloutDependencies): Promise<void> {
  const { runWrangler, uploadVersion, report } = dependencies;
  const deployment = await readDeployment(dependencies);
  if (deployment === null) {
    report("first deployment: to all callers at once");
    await runWrangler(["deploy"]);
    return;
  }
  const previous = deployment.version;
  const version = await uploadVersion();
  for (const percentage of PERCENTAGES) {
    report(`${version}: ${percentage} % of callers`);
    const rest = percentage < 100 ? [`${previous}@${100 - percentage}%`] : [];
    await runWrangler(["versions", "deploy", `${version}@${percentage}%`, ...rest, "--yes"]);
    const problem = await watchVersion(dependencies, version);
    if (problem === null) continue;
    report(`${problem}: rolling back to ${previous}`);
    await runWrangler(["versions", "deploy", `${previous}@100%`, "--yes"]);
    throw new UserError(`${version} was not ready at ${percentage} % of callers: ${problem}`);
  }
  // `versions deploy` does not change cron triggers.
  await runWrangler(["triggers", "deploy"]);
  report(`${version}: all callers`);
}

/** The version with the most callers, and its percentage of them; null if the Worker was never deployed. */
export async function readDeployment({
  runWrangler,
}: Pick<RolloutDependencies, "runWrangler">): Promise<{ version: string; percentage: number } | null> {
  let output: string;
  try {
    output = await runWrangler(["deployments", "status", "--json"]);
  } catch (error) {
    const isMissing =
      error instanceof WranglerError && /has no deployments|does not exist|code: 10007/.test(error.output);
    if (isMissing) return null;
    throw error;
  }
  const { versions } = JSON.parse(output) as { versions: { version_id: string; percentage: number }[] };
  const [serving] = versions.toSorted((a, b) => b.percentage - a.percentage);
  if (serving === undefined) throw new UserError("wrangler lists no deployed version");
  return { version: serving.version_id, percentage: serving.percentage };
}

/**
 * Checks a version six times. One failure may be transient; two in a row are a problem, and so is one at
 * the last check.
 */
async function watchVersion(
  { checkVersion, sleep, checkIntervalMs = CHECK_INTERVAL_MS }: RolloutDependencies,
  version: string,
): Promise<string | null> {
  let lastProblem: string | null = null;
  for (let check = 1; check <= CHECKS; check++) {
    await sleep(checkIntervalMs);
    const problem = await checkVersion(version);
    if (problem !== null && lastProblem !== null) return problem;
    lastProblem = problem;
  }
  return lastProblem;
}
