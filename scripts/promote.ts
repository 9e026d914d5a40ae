/** `npm run promote -- log-linear@3 --reason "..."`: points the champion alias at a version, old or new. */
import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { executeStatements } from "../cloudflare/d1.ts";
import { getStored } from "../cloudflare/r2.ts";
import { UserError } from "../cloudflare/user-error.ts";
import type { Target } from "../cloudflare/wrangler.ts";
import type { Stone } from "../src/domain/diamond.ts";
import {
  CHALLENGER,
  CHAMPION,
  formatVersion,
  ModelName,
  ModelSelector,
  parseSelector,
} from "../src/domain/model-selector.ts";
import { predictPrices } from "../training/onnx/predict-prices.ts";
import { moveAlias } from "../training/registry/move-alias.ts";
import { findModel, type PublishedModel, readRegistry } from "../training/registry/read-registry.ts";
import { readTarget, runCommand, TARGET_OPTIONS } from "./cli.ts";

const USAGE =
  'npm run promote -- NAME@VERSION --reason "why" [--alias champion] [--share PERCENT] [--state DIR | --remote]';

/** Any stone will do. */
const STONE: Stone = { carat: 1, cut: "Ideal", color: "G", clarity: "VS1" };

await runCommand(async (args) => {
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
  if (to?.kind !== "version" || positionals.length !== 1) throw new UserError(`name one version\n\n${USAGE}`);
  if (!ModelName.safeParse(values.alias).success)
    throw new UserError(`${values.alias}: this is no name for an alias`);
  if (!values.reason?.trim()) throw new UserError(`--reason is missing: the history keeps it\n\n${USAGE}`);

  const target = readTarget(values);
  const registry = await readRegistry(target);
  const model = findModel(registry, to);
  if (model === undefined) throw new UserError(`${formatVersion(to)} is not in the registry`);
  if (registry.models.some(({ name }) => name === values.alias))
    throw new UserError(`${values.alias} is a model's name; an alias must have one of its own`);
  await checkPrices(target, model);
  const from = registry.aliases.find(({ alias }) => alias === values.alias) ?? null;
  const share = readShare(values.alias, values.share);
  const actor = process.env.GITHUB_ACTOR ?? userInfo().username;
  const move = { alias: values.alias, to, reason: values.reason.trim(), actor, share };
  const { statements, done } = moveAlias(registry, move);
  await executeStatements(target, statements, done);
  console.log(`${values.alias}: ${from ? formatVersion(from) : "nothing"} -> ${formatVersion(to)}`);
});

/**
 * Has a version price a stone before callers rely on it, as the API does.
 * @throws Failure where its file in the bucket is missing, damaged, or no model.
 */
async function checkPrices(target: Target, { key, sha256, ...model }: PublishedModel): Promise<void> {
  const bytes = await getStored(target, key, sha256);
  const [price = Number.NaN] = await predictPrices(bytes, [STONE]).catch((cause: unknown) => {
    throw new UserError(`the file of ${formatVersion(model)} does not run: nothing was changed`, { cause });
  });
  if (!(Number.isFinite(price) && price > 0))
    throw new UserError(`${formatVersion(model)} prices a stone at ${price}: nothing was changed`);
}

/** The share of predictions that the challenger prices in the shadow; other aliases take none here. */
function readShare(alias: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (alias !== CHALLENGER)
    throw new UserError("--share is the challenger's; a canary is set with PUT /v1/aliases/champion");
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100)
    throw new UserError("--share must be a whole number from 0 to 100");
  return Number(text);
}
