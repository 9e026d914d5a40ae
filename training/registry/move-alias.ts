import { toInsertStatements, toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { aliasHistory } from "../../src/db/registry/schema.ts";
import { type AliasRow, planAliasMove } from "../../src/domain/models/alias-move.ts";
import type { ModelReference } from "../../src/domain/models/model-reference.ts";
import type { Registry } from "./read-registry.ts";

/** A move of an alias to a model version, without a canary. */
interface PlannedMove {
  readonly alias: string;
  readonly to: ModelReference;
  /** Only for the challenger: the percentage of predictions that it repeats as shadow predictions. */
  readonly share?: number | null;
  readonly reason: string;
  readonly actor: string;
}

/**
 * Builds the SQL statements that move an alias, and a query that returns a row if they were executed. If
 * another caller moved the alias after the registry was read, the primary key (alias, revision) is already in
 * use, and all statements fail.
 */
export function buildMoveStatements(
  registry: Registry,
  { alias, to, reason, actor, share = null }: PlannedMove,
): { statements: string[]; executedQuery: string } {
  const state = {
    current: registry.aliases.find((existing) => existing.alias === alias) ?? null,
    lastRevision: registry.revisions.get(alias) ?? 0,
  };
  const destination = { ...to, share, canary: null };
  const at = new Date().toISOString();
  const { history, row } = planAliasMove(alias, state, destination, { actor, reason, at });
  const statements = toInsertStatements(aliasHistory, [history]);
  if (row !== null) statements.push(buildUpsertStatement(row));
  const { revision } = history;
  const conditions = Object.entries({ alias, revision, at, actor }).map(
    ([column, value]) => `${column} = ${toSqlLiteral(value)}`,
  );
  const executedQuery = `SELECT 1 FROM alias_history WHERE ${conditions.join(" AND ")}`;
  return { statements, executedQuery };
}

function buildUpsertStatement(row: AliasRow): string {
  const values = [
    row.alias,
    row.name,
    row.version,
    row.revision,
    row.share,
    row.canaryName,
    row.canaryVersion,
    row.updatedAt,
  ];
  return `INSERT INTO aliases (alias, name, version, revision, share, canary_name, canary_version, updated_at)
VALUES (${values.map(toSqlLiteral).join(", ")})
ON CONFLICT (alias) DO UPDATE SET name = excluded.name, version = excluded.version,
  revision = excluded.revision, share = excluded.share, canary_name = excluded.canary_name,
  canary_version = excluded.canary_version, updated_at = excluded.updated_at;`;
}
