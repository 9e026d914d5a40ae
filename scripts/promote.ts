/** `npm run promote -- log-linear@3 --reason "..."`: points an alias at a model version. */
import { userInfo } from "node:os";
import { addTargetOptions, createCommand, readTarget, runCommand } from "../cloudflare/command-line.ts";
import { executeStatements } from "../cloudflare/d1.ts";
import { toSqlLiteral } from "../cloudflare/d1-sql.ts";
import { downloadFile } from "../cloudflare/r2.ts";
import { UserError } from "../cloudflare/user-error.ts";
import type { Target } from "../cloudflare/wrangler.ts";
import { SAMPLE_STONE } from "../src/domain/diamond.ts";
import { describeExcessMemory, type ModelMemory } from "../src/domain/models/model-memory.ts";
import { formatVersion, ModelName, type ModelReference } from "../src/domain/models/model-reference.ts";
import { CHALLENGER, CHAMPION, ModelSelector, parseSelector } from "../src/domain/models/model-selector.ts";
import { measureAllowedMemory } from "../training/onnx/measure-memory.ts";
import { predictPrices } from "../training/onnx/predict-prices.ts";
import { buildMoveStatements } from "../training/registry/move-alias.ts";
import { findModel, type PublishedModel, readRegistry } from "../training/registry/read-registry.ts";
import { writeRegistryCopy } from "../training/registry/write-copy.ts";

interface PromoteOptions {
  readonly reason: string;
  readonly alias: string;
  readonly share?: number;
}

const command = addTargetOptions(createCommand("npm run promote --"))
  .description("Points an alias at a model version.")
  .argument("<version>", "model version, such as log-linear@3", parseVersion)
  .requiredOption("--reason <text>", "reason, which the history keeps", parseReason)
  .option("--alias <name>", "alias to move", parseAlias, CHAMPION)
  .option("--share <percent>", "percentage of predictions that the challenger also prices", parseShare)
  .action(promote);

await runCommand(async () => {
  await command.parseAsync();
});

function parseVersion(text: string): ModelReference {
  const parsed = ModelSelector.safeParse(text);
  const selector = parsed.success ? parseSelector(parsed.data) : null;
  if (selector?.kind !== "version")
    throw new UserError(`${text} is not a model version: it must look like log-linear@3`);
  return selector;
}

function parseReason(text: string): string {
  const reason = text.trim();
  if (reason === "") throw new UserError("--reason must not be empty");
  return reason;
}

function parseAlias(text: string): string {
  if (!ModelName.safeParse(text).success)
    throw new UserError("--alias must be lower-case words joined by hyphens, such as champion");
  return text;
}

function parseShare(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100)
    throw new UserError("--share must be a whole number from 0 to 100");
  return Number(text);
}

async function promote(version: ModelReference, options: PromoteOptions): Promise<void> {
  const { alias, reason, share = null } = options;
  if (share !== null && alias !== CHALLENGER)
    throw new UserError("--share needs --alias challenger; PUT /v1/aliases/champion sets a canary");
  const target = readTarget(command.opts());
  const registry = await readRegistry(target);
  const model = findModel(registry, version);
  if (model === undefined) throw new UserError(`${formatVersion(version)} is not in the registry`);
  if (registry.models.some(({ name }) => name === alias))
    throw new UserError(`--alias: ${alias} is the name of a model; choose another name`);
  const memoryStatements = await checkModel(target, model);
  const from = registry.aliases.find((existing) => existing.alias === alias) ?? null;
  const actor = process.env.GITHUB_ACTOR ?? userInfo().username;
  const { statements, executedQuery } = buildMoveStatements(registry, {
    alias,
    to: version,
    reason,
    actor,
    share,
  });
  await executeStatements(target, [...memoryStatements, ...statements], executedQuery);
  await writeRegistryCopy(target);
  console.log(`${alias}: ${from ? formatVersion(from) : "none"} -> ${formatVersion(version)}`);
}

/**
 * Measures a version if its record has no memory, and lets it price a stone, before callers rely on it. The API
 * does the same, but cannot measure.
 * @returns the statements that add the measured memory to the record
 * @throws UserError if the version is too large, or if its file in the bucket is missing, damaged or not a model
 */
async function checkModel(target: Target, model: PublishedModel): Promise<string[]> {
  const version = formatVersion(model);
  const excess = model.memoryBytes === null ? null : describeExcessMemory(version, model);
  if (excess !== null) throw new UserError(`${excess}; nothing was changed`);
  const bytes = await downloadFile(target, model.key, model.sha256);
  const [price = Number.NaN] = await predictPrices(bytes, [SAMPLE_STONE]).catch((cause: unknown) => {
    throw new UserError(`the file of ${version} does not run; nothing was changed`, { cause });
  });
  if (!(Number.isFinite(price) && price > 0))
    throw new UserError(`${version} prices a stone at ${price}; nothing was changed`);
  if (model.memoryBytes !== null) return [];
  return [buildMemoryStatement(model, await measureAllowedMemory(version, bytes))];
}

/** Adds the figures that a version was published without. The Worker would go on estimating otherwise. */
function buildMemoryStatement(
  { name, version }: ModelReference,
  { memoryBytes, sessionBytes }: ModelMemory,
): string {
  return `UPDATE models SET memory_bytes = ${memoryBytes}, session_bytes = ${sessionBytes}
WHERE name = ${toSqlLiteral(name)} AND version = ${version} AND memory_bytes IS NULL;`;
}
