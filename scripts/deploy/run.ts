import { UserError } from "../../cloudflare/user-error.ts";
import { SAMPLE_STONE } from "../../src/domain/diamond.ts";
import { type AccountState, hasLogin, LOGIN_HELP, readAccountState } from "./account-state.ts";
import type { DeployDependencies, DeployOptions, DeployResult } from "./dependencies.ts";
import { FIRST_KEY_COMMAND, planDeployment, type Step } from "./plan.ts";

/** Lists the steps of a deployment. With a login, it also says which of them are needed. Nothing is changed. */
export async function dryRun(dependencies: DeployDependencies, options: DeployOptions): Promise<void> {
  const { report } = dependencies;
  const state = (await hasLogin(dependencies)) ? await readAccountState(dependencies) : null;
  report(
    state === null
      ? `There is no login, so nothing is known about the account. The steps of a deployment:`
      : "The steps of a deployment, and what the account needs of them:",
  );
  const steps = planDeployment(state, await dependencies.findCommit(), options);
  for (const [i, step] of steps.entries()) report(`${i + 1}. ${describeStep(step, state)}`);
  report(state === null ? `Nothing was changed. To deploy, ${LOGIN_HELP}.` : "Nothing was changed.");
}

function describeStep({ title, condition, command, reason }: Step, state: AccountState | null): string {
  if (reason !== null) return `${title}: not needed, ${reason}`;
  return `${title}${state === null ? `: ${condition}` : ""}\n   ${command}`;
}

/**
 * Runs the steps of a deployment that are needed.
 * @throws UserError if a step fails. The same call again goes on there.
 */
export async function runDeployment(dependencies: DeployDependencies, options: DeployOptions): Promise<void> {
  const { report } = dependencies;
  if (!(await hasLogin(dependencies))) throw new UserError(`there is no login: ${LOGIN_HELP}`);
  report("reading what the account has");
  const state = await readAccountState(dependencies);
  const steps = planDeployment(state, await dependencies.findCommit(), options);
  const result: DeployResult = { url: options.url };
  for (const [i, { title, reason, run }] of steps.entries()) {
    report(`${i + 1}. ${title}${reason === null ? "" : `: not needed, ${reason}`}`);
    if (reason === null) await run(dependencies, result);
  }
  report(describeResult(result, state.keys > 0 || options.firstKey));
}

function describeResult({ url }: DeployResult, hasKey: boolean): string {
  const address = url?.origin ?? "";
  const { carat, cut, color, clarity } = SAMPLE_STONE;
  const body = JSON.stringify({ carat, cut, color, clarity });
  return `
Facet serves at  ${address}
API docs         ${address}/docs
Service          ${address}/service (asks for a key with the scope admin)

curl -s ${address}/v1/predictions -H 'authorization: Bearer <key>' -H 'content-type: application/json' -d '${body}'

${
  hasKey
    ? "Create a key of its own for each caller: npm run keys -- create --name shop --scopes predict,appraise --remote"
    : `There is no key yet. On your own machine: ${FIRST_KEY_COMMAND}`
}`;
}
