import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";

/** Characters of a commit's hash. The tag of a version has at most 25. */
const COMMIT_LENGTH = 12;

/** Finds the commit of this checkout. Returns null if it has other changes, or is no repository. */
export async function findCommit(): Promise<string | null> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)("git", args, { cwd: REPOSITORY_ROOT })).stdout.trim();
  try {
    if ((await git("status", "--porcelain")) !== "") return null;
    return (await git("rev-parse", "HEAD")).slice(0, COMMIT_LENGTH);
  } catch {
    // No git, or a folder that is no repository.
    return null;
  }
}
