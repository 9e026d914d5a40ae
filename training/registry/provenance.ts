import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";

/** The program and the run that a model comes from. */
export interface Provenance {
  /** Commit of this checkout, with a `+` at the end if files differ from it; null outside git. */
  readonly gitCommit: string | null;
  readonly facetVersion: string;
  /** URL of the CI run, or `local`. */
  readonly runBy: string;
}

export function readProvenance(environment: NodeJS.ProcessEnv): Provenance {
  const { version } = JSON.parse(readFileSync(join(REPOSITORY_ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = environment;
  return {
    gitCommit: readGitCommit(),
    facetVersion: version,
    runBy: server && repository && run ? `${server}/${repository}/actions/runs/${run}` : "local",
  };
}

function readGitCommit(): string | null {
  const runGit = (...args: string[]) =>
    execFileSync("git", args, {
      cwd: REPOSITORY_ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    return runGit("rev-parse", "HEAD") + (runGit("status", "--porcelain") === "" ? "" : "+");
  } catch {
    return null;
  }
}
