/** `npm run models -- prune --keep 20`: deletes old versions that nothing points at. */
import { parseArgs } from "node:util";
import { executeStatements } from "../cloudflare/d1.ts";
import { toSqlLiteral } from "../cloudflare/d1-sql.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { BUCKET, query, wrangler } from "../cloudflare/wrangler.ts";
import { formatVersion } from "../src/domain/model-selector.ts";
import { readRegistry } from "../training/registry/read-registry.ts";
import { readTarget, runCommand, TARGET_OPTIONS } from "./cli.ts";

const USAGE = "npm run models -- prune --keep 20 [--dry-run] [--state DIR | --remote]";
const PROTECTED_DAYS = 90;

await runCommand(async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...TARGET_OPTIONS,
      keep: { type: "string", default: "20" },
      "dry-run": { type: "boolean", default: false },
    },
  });
  if (positionals[0] !== "prune" || !/^[1-9]\d{0,5}$/.test(values.keep)) throw new UserError(USAGE);
  const target = readTarget(values);
  const registry = await readRegistry(target);
  const since = new Date(Date.now() - PROTECTED_DAYS * 86_400_000).toISOString();
  // A move lasts until the next one of its alias: what was pointed at when the days began counts as well.
  const [history = []] = await query(target, [
    `SELECT name, version, canary_name, canary_version FROM (
       SELECT *, lead(at) OVER (PARTITION BY alias ORDER BY revision) AS until FROM alias_history)
     WHERE (until IS NULL OR until >= ${toSqlLiteral(since)}) AND removed IS NOT 1`,
  ]);
  const pointedAt = new Set<string>();
  for (const { name, version, canaryName, canaryVersion } of registry.aliases) {
    pointedAt.add(`${name}@${version}`).add(`${canaryName}@${canaryVersion}`);
  }
  for (const row of history)
    pointedAt.add(`${row.name}@${row.version}`).add(`${row.canary_name}@${row.canary_version}`);

  const kept = new Map<string, number>();
  const old = [...registry.models]
    .sort((a, b) => b.version - a.version)
    .filter((model) => {
      const place = (kept.get(model.name) ?? 0) + 1;
      kept.set(model.name, place);
      return place > Number(values.keep) && !pointedAt.has(formatVersion(model));
    });
  const stays = registry.models.filter((model) => !old.includes(model));
  const used = new Set(stays.flatMap(({ key, report }) => [key, report]));
  const files = [
    ...new Set(old.flatMap(({ key, report }) => (report === null ? [key] : [key, report]))),
  ].filter((key) => !used.has(key));
  for (const model of old) console.log(formatVersion(model));
  console.log(
    `${old.length} versions and ${files.length} files${values["dry-run"] ? " would go" : ""}; ${stays.length} versions stay`,
  );
  if (values["dry-run"] || old.length === 0) return;
  // Rows before files, and only files that no row names then: a version that is listed always has its file.
  await executeStatements(
    target,
    old.map(
      // Not where an alias was moved to it since.
      ({ name, version }) => `DELETE FROM models WHERE name = ${toSqlLiteral(name)} AND version = ${version}
AND NOT EXISTS (SELECT 1 FROM aliases AS a WHERE (a.name, a.version) = (models.name, models.version)
  OR (a.canary_name, a.canary_version) = (models.name, models.version));`,
    ),
  );
  const left = await readRegistry(target);
  const named = new Set(left.models.flatMap(({ key, report }) => [key, report]));
  const unnamed = files.filter((key) => !named.has(key));
  await Promise.all(unnamed.map((key) => wrangler(target, ["r2", "object", "delete", `${BUCKET}/${key}`])));
});
