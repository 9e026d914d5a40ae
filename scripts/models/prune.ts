import { executeStatements } from "../../cloudflare/d1.ts";
import { toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import { DAY_MS } from "../../src/lib/time.ts";
import { buildListStatements, deleteListedFiles } from "../../training/registry/pruned-files.ts";
import { type PublishedModel, type Registry, readRegistry } from "../../training/registry/read-registry.ts";

/** A version stays for this long after the last day on which an alias pointed at it. */
const PROTECTED_DAYS = 90;

/**
 * Deletes the versions that are neither among the newest of their model nor needed by an alias, with their files.
 * @param options `keep` newest versions of each model stay; with `dryRun` the versions are only printed
 */
export async function prune(
  target: Target,
  { keep, dryRun }: { readonly keep: number; readonly dryRun: boolean },
): Promise<void> {
  const registry = await readRegistry(target);
  const old = findOldVersions(registry, keep, await findProtectedVersions(target, registry));
  const remaining = registry.models.filter((model) => !old.includes(model));
  const files = findUnusedFiles(old, remaining);
  for (const model of old) console.log(formatVersion(model));
  const action = dryRun ? "would be deleted" : "to delete";
  console.log(
    `${old.length} versions and ${files.length} files ${action}; ${remaining.length} versions stay`,
  );
  if (dryRun) return;
  if (old.length > 0) await deleteVersions(target, old, files);
  await deleteListedFiles(target);
}

/** The versions (as `name@version`) that an alias points at now or pointed at in the protected days. */
async function findProtectedVersions(target: Target, { aliases }: Registry): Promise<Set<string>> {
  const since = new Date(Date.now() - PROTECTED_DAYS * DAY_MS).toISOString();
  // An alias points at a version until its next move, so a move before these days can reach into them.
  const [history = []] = await query(target, [
    `SELECT name, version, canary_name, canary_version FROM (
       SELECT *, lead(at) OVER (PARTITION BY alias ORDER BY revision) AS until FROM alias_history)
     WHERE (until IS NULL OR until >= ${toSqlLiteral(since)}) AND removed IS NOT 1`,
  ]);
  const versions = new Set<string>();
  for (const { name, version, canaryName, canaryVersion } of aliases)
    versions.add(`${name}@${version}`).add(`${canaryName}@${canaryVersion}`);
  for (const { name, version, canary_name, canary_version } of history)
    versions.add(`${name}@${version}`).add(`${canary_name}@${canary_version}`);
  return versions;
}

/** The versions that are neither protected nor among the newest of their model. */
function findOldVersions(
  { models }: Registry,
  keep: number,
  protectedVersions: ReadonlySet<string>,
): PublishedModel[] {
  const counts = new Map<string, number>();
  return models
    .toSorted((a, b) => b.version - a.version)
    .filter((model) => {
      const rank = (counts.get(model.name) ?? 0) + 1;
      counts.set(model.name, rank);
      return rank > keep && !protectedVersions.has(formatVersion(model));
    });
}

/** Keys of the files of old versions that no remaining version uses. */
function findUnusedFiles(old: readonly PublishedModel[], remaining: readonly PublishedModel[]): string[] {
  const used = new Set(listFiles(remaining));
  return [...new Set(listFiles(old))].filter((key) => !used.has(key));
}

function listFiles(models: readonly PublishedModel[]): string[] {
  return models.flatMap(({ key, report }) => (report === null ? [key] : [key, report]));
}

/**
 * Deletes the rows, and lists their files for deletion. So a listed version always has its file. A version that
 * an alias was moved to in the meantime stays.
 */
async function deleteVersions(
  target: Target,
  old: readonly PublishedModel[],
  files: readonly string[],
): Promise<void> {
  await executeStatements(target, [
    ...old.map(
      ({ name, version }) => `DELETE FROM models WHERE name = ${toSqlLiteral(name)} AND version = ${version}
AND NOT EXISTS (SELECT 1 FROM aliases AS a WHERE (a.name, a.version) = (models.name, models.version)
  OR (a.canary_name, a.canary_version) = (models.name, models.version));`,
    ),
    ...buildListStatements(files),
  ]);
}
