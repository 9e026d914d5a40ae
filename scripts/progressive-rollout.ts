import { UserError } from "../cloudflare/user-error.ts";

/** What a rollout does to the world. */
export interface RolloutDependencies {
  /** Runs wrangler with these words and returns its standard output. */
  wrangler(args: readonly string[]): Promise<string>;
  /** Uploads the Worker as a new version that serves nobody yet, and returns its id. */
  upload(): Promise<string>;
  /** Asks one version whether it is ready; the reason why not, or null. */
  fault(version: string): Promise<string | null>;
  sleep(milliseconds: number): Promise<void>;
  say(text: string): void;
}

/** Percent of the callers, step by step: at first nobody but the check itself. */
const STEPS = [0, 10, 50, 100];
/** Checks of each step, and the time between them: errors show themselves within a minute. */
const CHECKS = 6;
const PAUSE_MS = 10_000;

/**
 * Brings a new version of the Worker to all callers in steps, and asks it between them whether it is ready.
 * @throws Failure where it is not, twice in a row; all callers are back on the version before then.
 */
export async function rollOutProgressively(surroundings: RolloutDependencies): Promise<void> {
  const { wrangler, say } = surroundings;
  const before = await servingVersion(surroundings);
  if (before === null) {
    say("there is no version yet: deploying for all callers");
    await wrangler(["deploy"]);
    return;
  }
  const version = await surroundings.upload();
  for (const percent of STEPS) {
    say(`${version}: ${percent} % of the callers`);
    const others = percent < 100 ? [`${before}@${100 - percent}%`] : [];
    await wrangler(["versions", "deploy", `${version}@${percent}%`, ...others, "--yes"]);
    const fault = await watch(surroundings, version);
    if (fault === null) continue;
    say(`${fault}: back to ${before}`);
    await wrangler(["versions", "deploy", `${before}@100%`, "--yes"]);
    throw new UserError(`${version} was not ready at ${percent} % of the callers: ${fault}`);
  }
  // A version carries no cron triggers.
  await wrangler(["triggers", "deploy"]);
  say(`${version}: all callers`);
}

/** The version that most callers are on; null where the Worker was never deployed. */
async function servingVersion({ wrangler }: RolloutDependencies): Promise<string | null> {
  const output = await wrangler(["deployments", "status", "--json"]).catch((error: unknown) => {
    if (error instanceof UserError && /has no deployments|does not exist|code: 10007/.test(error.message)) {
      return null;
    }
    throw error;
  });
  if (output === null) return null;
  const { versions } = JSON.parse(output) as { versions: { version_id: string; percentage: number }[] };
  const [most] = versions.sort((a, b) => b.percentage - a.percentage);
  if (most === undefined) throw new UserError("wrangler names no version that serves");
  return most.version_id;
}

/** Checks a version for a while: one failure may be a passing one, two in a row are a fault. */
async function watch({ fault, sleep }: RolloutDependencies, version: string): Promise<string | null> {
  let last: string | null = null;
  for (let check = 1; check <= CHECKS; check++) {
    await sleep(PAUSE_MS);
    const found = await fault(version);
    if (found !== null && last !== null) return found;
    last = found;
  }
  return last;
}
