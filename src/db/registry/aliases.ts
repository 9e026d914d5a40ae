import { and, desc, eq, lt, max } from "drizzle-orm";
import type { Alias, AliasMove, AliasPeriod } from "../../domain/models/alias.ts";
import { type AliasDestination, type AliasState, planAliasMove } from "../../domain/models/alias-move.ts";
import { type ModelReference, toModelReference } from "../../domain/models/model-reference.ts";
import { describeError } from "../errors.ts";
import { openDrizzle, type Queryable } from "../sessions.ts";
import { aliases, aliasHistory } from "./schema.ts";

const ALIAS_COLUMNS = {
  alias: aliases.alias,
  name: aliases.name,
  version: aliases.version,
  share: aliases.share,
  canaryName: aliases.canaryName,
  canaryVersion: aliases.canaryVersion,
  revision: aliases.revision,
  updatedAt: aliases.updatedAt,
};

const MOVE_COLUMNS = {
  revision: aliasHistory.revision,
  name: aliasHistory.name,
  version: aliasHistory.version,
  fromName: aliasHistory.fromName,
  fromVersion: aliasHistory.fromVersion,
  share: aliasHistory.share,
  canaryName: aliasHistory.canaryName,
  canaryVersion: aliasHistory.canaryVersion,
  removed: aliasHistory.removed,
  actor: aliasHistory.actor,
  reason: aliasHistory.reason,
  at: aliasHistory.at,
};

interface CanaryColumns {
  readonly canaryName: string | null;
  readonly canaryVersion: number | null;
}

function mergeCanaryColumns<Row extends CanaryColumns>({ canaryName, canaryVersion, ...rest }: Row) {
  return { ...rest, canary: toModelReference(canaryName, canaryVersion) };
}

interface MoveColumns extends CanaryColumns {
  readonly fromName: string | null;
  readonly fromVersion: number | null;
  readonly removed: boolean | null;
}

function toAliasMove<Row extends MoveColumns>({ fromName, fromVersion, removed, ...rest }: Row) {
  return {
    ...mergeCanaryColumns(rest),
    from: toModelReference(fromName, fromVersion),
    removed: removed ?? false,
  };
}

export async function listAliases(d1: Queryable): Promise<Alias[]> {
  return (await openDrizzle(d1).select(ALIAS_COLUMNS).from(aliases).orderBy(aliases.alias)).map(
    mergeCanaryColumns,
  );
}

/**
 * Returns an alias and its moves, newest first; null for an unknown alias.
 * @param page only moves with a revision below `below`, at most `limit`
 */
export async function getAlias(
  d1: Queryable,
  alias: string,
  { below, limit }: { below: number | undefined; limit: number },
): Promise<{ current: Alias; history: AliasMove[] } | null> {
  const db = openDrizzle(d1);
  const [[row], moves] = await db.batch([
    db.select(ALIAS_COLUMNS).from(aliases).where(eq(aliases.alias, alias)),
    db
      .select(MOVE_COLUMNS)
      .from(aliasHistory)
      .where(
        and(
          eq(aliasHistory.alias, alias),
          below === undefined ? undefined : lt(aliasHistory.revision, below),
        ),
      )
      .orderBy(desc(aliasHistory.revision))
      .limit(limit),
  ]);
  return row === undefined ? null : { current: mergeCanaryColumns(row), history: moves.map(toAliasMove) };
}

/** An alias before a move, with all its columns. */
export interface StoredAliasState extends AliasState {
  readonly current: Alias | null;
}

export async function readAliasState(d1: Queryable, alias: string): Promise<StoredAliasState> {
  const db = openDrizzle(d1);
  const [[row], [last]] = await db.batch([
    db.select(ALIAS_COLUMNS).from(aliases).where(eq(aliases.alias, alias)),
    db
      .select({ revision: max(aliasHistory.revision) })
      .from(aliasHistory)
      .where(eq(aliasHistory.alias, alias)),
  ]);
  return { current: row === undefined ? null : mergeCanaryColumns(row), lastRevision: last?.revision ?? 0 };
}

/**
 * Moves or removes an alias in one transaction, see {@link planAliasMove}.
 * @returns null if another caller moved the alias after `state` was read
 */
export async function moveAlias(
  d1: Queryable,
  alias: string,
  state: AliasState,
  destination: AliasDestination,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<AliasMove | null> {
  const db = openDrizzle(d1);
  const at = new Date().toISOString();
  const { history, row } = planAliasMove(alias, state, destination, { actor, reason, at });
  try {
    await db.batch([
      db.insert(aliasHistory).values(history),
      row === null
        ? db.delete(aliases).where(eq(aliases.alias, alias))
        : db.insert(aliases).values(row).onConflictDoUpdate({ target: aliases.alias, set: row }),
    ]);
  } catch (error) {
    if (/UNIQUE constraint failed: alias_history/.test(describeError(error))) return null;
    throw error;
  }
  const { alias: _, ...columns } = history;
  return toAliasMove(columns);
}

const MAX_PERIODS = 100;

/** A period ends with the next move of the alias. A removal ends a period and starts none. */
const LIST_PERIODS = `
WITH moves AS (
  SELECT *, lead(at) OVER (PARTITION BY alias ORDER BY revision) AS until FROM alias_history)
SELECT alias, iif(name = ?1 AND version = ?2, 'target', 'canary') AS role, share, at AS "from", until, revision,
  actor, reason
FROM moves
WHERE ((name = ?1 AND version = ?2) OR (canary_name = ?1 AND canary_version = ?2)) AND removed IS NOT 1
ORDER BY at DESC, alias, revision DESC LIMIT ?3`;

/** Returns the newest periods in which an alias pointed at a version, newest first. */
export async function listAliasPeriods(
  d1: Queryable,
  { name, version }: ModelReference,
): Promise<AliasPeriod[]> {
  const { results } = await d1.prepare(LIST_PERIODS).bind(name, version, MAX_PERIODS).all<AliasPeriod>();
  return results;
}
