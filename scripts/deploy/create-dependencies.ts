import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { UserError } from "../../cloudflare/user-error.ts";
import { REPOSITORY_ROOT, runWranglerWithRetry, WranglerError } from "../../cloudflare/wrangler.ts";
import { SCOPES } from "../../src/domain/access.ts";
import { createKey } from "../../training/registry/keys.ts";
import { writeRegistryCopy } from "../../training/registry/write-copy.ts";
import { checkReady } from "./check-ready.ts";
import type { DeployDependencies } from "./dependencies.ts";
import { FIRST_KEY_NAME } from "./plan.ts";
import { runWranglerReported } from "./wrangler-reports.ts";

/** Characters of a commit's hash. The tag of a version has at most 25. */
const COMMIT_LENGTH = 12;

/**
 * The effects of a deployment on Cloudflare.
 * @param data files that the first models are trained on; none for the embedded dataset
 */
export function createDependencies(data: readonly string[]): DeployDependencies {
  return {
    hasToken: (process.env.CLOUDFLARE_API_TOKEN ?? "") !== "",
    runWrangler: async (args) => String(await runWranglerWithRetry(args)),
    runWranglerReported: (args) => runWranglerReported(args).catch(printOutput),
    train: () => train(data),
    createFirstKey,
    findCommit,
    checkReady,
    sleep,
    report: console.log,
  };
}

/** A failed build needs more than its first line to be understood. */
function printOutput(error: unknown): never {
  if (error instanceof WranglerError) console.error(error.output.trim());
  throw error;
}

function train(data: readonly string[]): Promise<void> {
  const args = [join(REPOSITORY_ROOT, "training/train.ts"), "--remote"];
  if (data.length > 0) args.push("--data", ...data);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new UserError("the training failed; see above", { exitCode: code ?? 1 }));
    });
  });
}

async function createFirstKey(): Promise<void> {
  const target = { kind: "remote" } as const;
  const key = await createKey(target, { name: FIRST_KEY_NAME, scopes: [...SCOPES], expiresAt: null });
  // The key is printed at once: it cannot be read again.
  console.log(`   ${key}\n   It is named ${FIRST_KEY_NAME}, and shown only this once.`);
  await writeRegistryCopy(target);
}

async function findCommit(): Promise<string | null> {
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
