/** `npm run promote -- log-linear@3 --reason "..."`: points the champion alias at a version, old or new. */
import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import {
  CHALLENGER,
  CHAMPION,
  formatVersion,
  ModelName,
  ModelSelector,
  parseSelector,
} from "../src/domain/selector.ts";
import { Failure } from "../training/failure.ts";
import { moveAlias } from "../training/registry/alias.ts";
import { execute } from "../training/registry/execute.ts";
import { findModel, readRegistry } from "../training/registry/state.ts";
import { main, TARGET_OPTIONS, targetOf } from "./command.ts";

const USAGE =
  'npm run promote -- NAME@VERSION --reason "why" [--alias champion] [--share PERCENT] [--state DIR | --remote]';

await main(async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...TARGET_OPTIONS,
      alias: { type: "string", default: CHAMPION },
      reason: { type: "string" },
      share: { type: "string" },
    },
  });
  const selector = ModelSelector.safeParse(positionals[0]);
  const to = selector.success ? parseSelector(selector.data) : null;
  if (to?.kind !== "version" || positionals.length !== 1) throw new Failure(`name one version\n\n${USAGE}`);
  if (!ModelName.safeParse(values.alias).success)
    throw new Failure(`${values.alias}: this is no name for an alias`);
  if (!values.reason?.trim()) throw new Failure(`--reason is missing: the history keeps it\n\n${USAGE}`);

  const target = targetOf(values);
  const registry = await readRegistry(target);
  if (!findModel(registry, to)) throw new Failure(`${formatVersion(to)} is not in the registry`);
  const from = registry.aliases.find(({ alias }) => alias === values.alias) ?? null;
  const share = readShare(values.alias, values.share);
  const actor = process.env.GITHUB_ACTOR ?? userInfo().username;
  await execute(
    target,
    moveAlias(registry, { alias: values.alias, to, reason: values.reason.trim(), actor, share }),
  );
  console.log(`${values.alias}: ${from ? formatVersion(from) : "nothing"} -> ${formatVersion(to)}`);
});

/** The share of predictions that the challenger prices in the shadow; other aliases take none here. */
function readShare(alias: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (alias !== CHALLENGER)
    throw new Failure("--share is the challenger's; a canary is set with PUT /v1/aliases/champion");
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100)
    throw new Failure("--share must be a whole number from 0 to 100");
  return Number(text);
}
