import { setTimeout as sleep } from "node:timers/promises";
import { runWranglerWithRetry, WranglerError } from "../../cloudflare/wrangler.ts";
import { SCOPES } from "../../src/domain/access.ts";
import { createKey } from "../../training/registry/keys.ts";
import { writeRegistryCopy } from "../../training/registry/write-copy.ts";
import { trainModels } from "../train-models.ts";
import { checkReady } from "./check-ready.ts";
import type { DeployDependencies } from "./dependencies.ts";
import { findCommit } from "./find-commit.ts";
import { FIRST_KEY_NAME } from "./plan.ts";
import { runWranglerReported } from "./wrangler-reports.ts";

/**
 * The effects of a deployment on Cloudflare.
 * @param data files that the first models are trained on; none for the embedded dataset
 */
export function createDependencies(data: readonly string[]): DeployDependencies {
  return {
    hasToken: (process.env.CLOUDFLARE_API_TOKEN ?? "") !== "",
    runWrangler: async (args) => String(await runWranglerWithRetry(args)),
    runWranglerReported: (args) => runWranglerReported(args).catch(printOutput),
    train: () => trainModels(["--remote", ...(data.length > 0 ? ["--data", ...data] : [])]),
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

async function createFirstKey(): Promise<void> {
  const target = { kind: "remote" } as const;
  const key = await createKey(target, { name: FIRST_KEY_NAME, scopes: [...SCOPES], expiresAt: null });
  // The key is printed at once: it cannot be read again.
  console.log(`   ${key}\n   It is named ${FIRST_KEY_NAME}, and shown only this once.`);
  await writeRegistryCopy(target);
}
