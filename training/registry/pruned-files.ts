/**
 * Keeps pruning and publishing apart. A run may rely on a file of a version that pruning deletes at the same time,
 * or may upload that file again just before it is deleted. So pruning lists its files in the registry before it
 * deletes them, and a publication fails if one of its files was listed after the run had read the registry. The
 * run then starts again.
 */
import { executeStatements } from "../../cloudflare/d1.ts";
import { joinLiterals, toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { BUCKET } from "../../cloudflare/worker-config.ts";
import { query, runWranglerOn, type Target } from "../../cloudflare/wrangler.ts";

const NEXT_REVISION = "(SELECT coalesce(max(revision), 0) + 1 FROM pruned_files)";

/** Reads the revision that {@link buildFilesGuard} needs. */
export const PRUNE_REVISION_QUERY = "SELECT coalesce(max(revision), 0) AS revision FROM pruned_files";

/**
 * Builds statements that fail with a conflict if one of the files is being deleted, or was deleted after the
 * registry was read: they insert a key that exists.
 * @param readRevision the revision when the registry was read
 */
export function buildFilesGuard(keys: readonly string[], readRevision: number): string[] {
  return joinLiterals(keys.map(toSqlLiteral)).map(
    (list) => `INSERT INTO pruned_files SELECT * FROM pruned_files
WHERE key IN (${list}) AND (is_deleted = 0 OR revision > ${readRevision});`,
  );
}

/** Builds statements that list files for deletion, except those that a version still names. */
export function buildListStatements(keys: readonly string[]): string[] {
  return joinLiterals(keys.map((key) => `(${toSqlLiteral(key)})`)).map(
    (values) => `INSERT INTO pruned_files (key, revision, is_deleted)
SELECT listed.key, ${NEXT_REVISION}, 0 FROM (SELECT column1 AS key FROM (VALUES ${values})) AS listed
WHERE NOT EXISTS (SELECT 1 FROM models WHERE models.key = listed.key OR models.report = listed.key)
ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, is_deleted = 0;`,
  );
}

/** Deletes the listed files, also those that an interrupted command has left. Returns how many there were. */
export async function deleteListedFiles(target: Target): Promise<number> {
  const [rows = []] = await query(target, ["SELECT key FROM pruned_files WHERE is_deleted = 0"]);
  const keys = rows.map(({ key }) => String(key));
  await Promise.all(keys.map((key) => runWranglerOn(target, ["r2", "object", "delete", `${BUCKET}/${key}`])));
  if (keys.length > 0)
    await executeStatements(
      target,
      joinLiterals(keys.map(toSqlLiteral)).map(
        (list) =>
          `UPDATE pruned_files SET is_deleted = 1, revision = ${NEXT_REVISION} WHERE is_deleted = 0 AND key IN (${list});`,
      ),
    );
  return keys.length;
}
