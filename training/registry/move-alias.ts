import { toInsertStatements, toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { aliasHistory } from "../../src/db/registry/schema.ts";
import type { ModelReference } from "../../src/domain/model-record.ts";
import type { Registry } from "./read-registry.ts";

/** Who moves an alias where, and why. */
export interface AliasMove {
  readonly alias: string;
  readonly to: ModelReference;
  /** Percent of predictions that a challenger prices in the shadow. */
  readonly share?: number | null;
  readonly reason: string;
  readonly actor: string;
}

/**
 * Statements that move an alias, and a query that gives a row once it is moved. They fail as a whole where
 * somebody moved it since it was read.
 */
export function moveAlias(registry: Registry, move: AliasMove): { statements: string[]; done: string } {
  const { alias, to, reason, actor, share = null } = move;
  const from = registry.aliases.find((existing) => existing.alias === alias);
  const revision = (registry.revisions.get(alias) ?? 0) + 1;
  const at = new Date().toISOString();
  const statements = [
    // The key (alias, revision) is the compare-and-set: a second mover of the same revision fails.
    ...toInsertStatements(aliasHistory, [
      {
        alias,
        revision,
        name: to.name,
        version: to.version,
        fromName: from?.name ?? null,
        fromVersion: from?.version ?? null,
        share,
        actor,
        reason,
        at,
      },
    ]),
    `INSERT INTO aliases (alias, name, version, revision, share, updated_at)
VALUES (${[alias, to.name, to.version, revision, share, at].map(toSqlLiteral).join(", ")})
ON CONFLICT (alias) DO UPDATE SET name = excluded.name, version = excluded.version,
  revision = excluded.revision, updated_at = excluded.updated_at,
  share = excluded.share, canary_name = NULL, canary_version = NULL;`,
  ];
  const own = { alias, at, actor };
  const conditions = Object.entries(own).map(([column, value]) => `${column} = ${toSqlLiteral(value)}`);
  const done = `SELECT 1 FROM alias_history WHERE revision = ${revision} AND ${conditions.join(" AND ")}`;
  return { statements, done };
}
