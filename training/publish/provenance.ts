import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Where a model comes from, as its record keeps it. */
export interface Provenance {
  /** Commit of this checkout, `+` behind it where files differ from it; null outside git. */
  readonly gitCommit: string | null;
  readonly facetVersion: string;
  /** Address of the CI run, or `local`. */
  readonly runBy: string;
}

export function readProvenance(environment: NodeJS.ProcessEnv): Provenance {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = environment;
  return {
    gitCommit: gitCommit(),
    facetVersion: version,
    runBy: server && repository && run ? `${server}/${repository}/actions/runs/${run}` : "local",
  };
}

function gitCommit(): string | null {
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return git("rev-parse", "HEAD") + (git("status", "--porcelain") === "" ? "" : "+");
  } catch {
    return null;
  }
}
