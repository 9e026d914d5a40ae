import { BUCKET, DATABASES, type DatabaseConfig, WORKER_NAME } from "../../cloudflare/worker-config.ts";
import { WranglerError } from "../../cloudflare/wrangler.ts";
import { SCOPES } from "../../src/domain/access.ts";
import type { AccountState } from "./account-state.ts";
import type { DeployDependencies, DeployOptions, DeployResult } from "./dependencies.ts";
import { deployAtOnce, rollOut, setTriggers, waitUntilReady } from "./worker.ts";

export const FIRST_KEY_NAME = "admin";
/** Creates the first key by hand. */
export const FIRST_KEY_COMMAND = `npm run keys -- create --name ${FIRST_KEY_NAME} --scopes ${SCOPES.join(",")} --remote`;

/** A step of a deployment. */
export interface Step {
  /** What it does, such as "create the database facet-log". */
  readonly title: string;
  /** When it is needed. */
  readonly condition: string;
  /** A command that does the same by hand. */
  readonly command: string;
  /** Why it is not needed now; null if it is needed, or if nothing is known about the account. */
  readonly reason: string | null;
  run(dependencies: DeployDependencies, result: DeployResult): Promise<void>;
}

/**
 * The steps of a deployment, in their order: a new version serves only after the databases have its columns, and
 * the first version only after there is a model.
 * @param state null if nothing is known about the account
 * @param commit the commit of this checkout; null if it has other changes
 */
export function planDeployment(
  state: AccountState | null,
  commit: string | null,
  options: DeployOptions,
): Step[] {
  const isServing = commit !== null && state?.worker?.commit === commit;
  return [
    ...DATABASES.map((database) => planDatabase(database, state)),
    planBucket(state),
    ...DATABASES.map((database) => planMigrations(database, state)),
    planTraining(state),
    planWorker(state, commit, isServing),
    planReadyCheck(isServing),
    planFirstKey(state, options),
  ];
}

function planDatabase({ name }: DatabaseConfig, state: AccountState | null): Step {
  return {
    title: `create the database ${name}`,
    condition: "if it is missing",
    command: `npx wrangler d1 create ${name}`,
    reason: state?.databases.get(name)?.exists ? "it exists" : null,
    run: ({ runWrangler }) => ignoreExisting(runWrangler(["d1", "create", name])),
  };
}

function planBucket(state: AccountState | null): Step {
  return {
    title: `create the bucket ${BUCKET}`,
    condition: "if it is missing",
    command: `npx wrangler r2 bucket create ${BUCKET}`,
    reason: state?.hasBucket ? "it exists" : null,
    run: ({ runWrangler }) => ignoreExisting(runWrangler(["r2", "bucket", "create", BUCKET])),
  };
}

/** After a lost answer, the retry finds what the first call has created. */
async function ignoreExisting(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!(error instanceof WranglerError) || !/already exists/.test(error.output)) throw error;
  });
}

function planMigrations({ name }: DatabaseConfig, state: AccountState | null): Step {
  const pending = state?.databases.get(name)?.pendingMigrations;
  return {
    title: `migrate ${name}${pending?.length ? ` (${pending.join(", ")})` : ""}`,
    condition: "with the migrations that it does not have yet",
    command: `npx wrangler d1 migrations apply ${name} --remote`,
    reason: pending?.length === 0 ? "it has all migrations" : null,
    run: async ({ runWrangler }) => {
      await runWrangler(["d1", "migrations", "apply", name, "--remote"]);
    },
  };
}

function planTraining(state: AccountState | null): Step {
  return {
    title: "train and publish the first models",
    condition: "if there is no champion",
    command: "npm run train -- --remote",
    reason: state?.champion ? `${state.champion} is champion` : null,
    run: ({ train }) => train(),
  };
}

function planWorker(state: AccountState | null, commit: string | null, isServing: boolean): Step {
  // Without a champion, the Worker has never priced a stone, so there are no callers to protect.
  const isFirst = !state?.worker || state.champion === null;
  const manner = isFirst ? "at once" : "in steps of 0, 10, 50 and 100 % of callers";
  return {
    title: `deploy the Worker ${WORKER_NAME}${state === null ? "" : ` ${manner}`}`,
    condition:
      "at once if it is new, else in steps of 0, 10, 50 and 100 % of callers, and back if /ready fails; not at all if this commit serves already",
    command: isFirst ? "npx wrangler deploy" : "npx node scripts/rollout.ts --url <address of the Worker>",
    reason: isServing ? `commit ${commit} serves already` : null,
    run: (dependencies, result) => (isFirst ? deployAtOnce : rollOut)(dependencies, result, commit),
  };
}

function planReadyCheck(isServing: boolean): Step {
  return {
    title: "wait until /ready answers 200",
    condition: "always, because the Worker has then priced a stone",
    command: "curl -s <address of the Worker>/ready",
    reason: null,
    async run(dependencies, result) {
      // An earlier run may have stopped after its version served, and before it set the triggers.
      if (isServing || result.url === null)
        result.url = await setTriggers(dependencies.runWrangler, result.url);
      await waitUntilReady(dependencies, result.url);
    },
  };
}

function planFirstKey(state: AccountState | null, { firstKey }: DeployOptions): Step {
  const reason = state?.keys
    ? "there are keys"
    : firstKey
      ? null
      : "an output that is kept is no place for a key";
  return {
    title: `create a first key (${SCOPES.join(", ")}) and print it`,
    condition: "if there is none; in a CI job only with --first-key",
    command: FIRST_KEY_COMMAND,
    reason: state === null ? null : reason,
    run: ({ createFirstKey }) => createFirstKey(),
  };
}
