import { and, desc, eq, lt, max } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Alias, AliasMove } from "../../domain/alias.ts";
import type { AliasPeriod, ModelReference } from "../../domain/model-record.ts";
import { describeError } from "../errors.ts";
import { aliases, aliasHistory } from "./schema.ts";

const current = {
  alias: aliases.alias,
  name: aliases.name,
  version: aliases.version,
  share: aliases.share,
  canaryName: aliases.canaryName,
  canaryVersion: aliases.canaryVersion,
  revision: aliases.revision,
  updatedAt: aliases.updatedAt,
};

const move = {
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

/** A version from its two columns; null where they are. */
export function toModelReference(name: string | null, version: number | null): ModelReference | null {
  return name === null || version === null ? null : { name, version };
}

interface CanaryColumns {
  readonly canaryName: string | null;
  readonly canaryVersion: number | null;
}

function withCanary<Row extends CanaryColumns>({ canaryName, canaryVersion, ...rest }: Row) {
  return { ...rest, canary: toModelReference(canaryName, canaryVersion) };
}

export async function listAliases(d1: D1Database): Promise<Alias[]> {
  return (await drizzle(d1).select(current).from(aliases).orderBy(aliases.alias)).map(withCanary);
}

/** An alias and its moves, newest first, from below a revision where one is given; null where unknown. */
export async function getAlias(
  d1: D1Database,
  alias: string,
  { below, limit }: { below: number | undefined; limit: number },
): Promise<{ current: Alias; history: AliasMove[] } | null> {
  const db = drizzle(d1);
  const [[found], moves] = await db.batch([
    db.select(current).from(aliases).where(eq(aliases.alias, alias)),
    db
      .select(move)
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
  if (found === undefined) return null;
  const history = moves.map(({ fromName, fromVersion, removed, ...rest }) => ({
    ...withCanary(rest),
    from: toModelReference(fromName, fromVersion),
    removed: removed ?? false,
  }));
  return { current: withCanary(found), history };
}

/** An alias as it is before a move: null where it is not there; the revision counts on where it once was. */
export interface AliasState {
  readonly current: Alias | null;
  readonly lastRevision: number;
}

export async function readAliasState(d1: D1Database, alias: string): Promise<AliasState> {
  const db = drizzle(d1);
  const [[found], [last]] = await db.batch([
    db.select(current).from(aliases).where(eq(aliases.alias, alias)),
    db
      .select({ revision: max(aliasHistory.revision) })
      .from(aliasHistory)
      .where(eq(aliasHistory.alias, alias)),
  ]);
  return { current: found === undefined ? null : withCanary(found), lastRevision: last?.revision ?? 0 };
}

/** Where an alias is to point; null takes it away. */
export type AliasDestination = Pick<Alias, "name" | "version" | "share" | "canary"> | null;

/**
 * Moves an alias, in one transaction. The history's key (alias, revision) is the compare-and-set: null
 * where somebody else moved it since it was read.
 */
export async function moveAlias(
  d1: D1Database,
  alias: string,
  before: AliasState,
  to: AliasDestination,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<AliasMove | null> {
  const db = drizzle(d1);
  const kept = to ?? before.current;
  if (kept === null) throw new TypeError(`there is no alias ${alias} to take away`);
  const revision = before.lastRevision + 1;
  const at = new Date().toISOString();
  const row = {
    name: kept.name,
    version: kept.version,
    share: to?.share ?? null,
    canaryName: to?.canary?.name ?? null,
    canaryVersion: to?.canary?.version ?? null,
    revision,
  };
  const from = before.current && { name: before.current.name, version: before.current.version };
  const origin = { fromName: from?.name ?? null, fromVersion: from?.version ?? null };
  const removed = to === null;
  try {
    await db.batch([
      db.insert(aliasHistory).values({ alias, ...row, ...origin, removed, actor, reason, at }),
      removed
        ? db.delete(aliases).where(eq(aliases.alias, alias))
        : db
            .insert(aliases)
            .values({ alias, ...row, updatedAt: at })
            .onConflictDoUpdate({ target: aliases.alias, set: { ...row, updatedAt: at } }),
    ]);
  } catch (error) {
    if (/UNIQUE constraint failed: alias_history/.test(describeError(error))) return null;
    throw error;
  }
  return { ...withCanary(row), from, removed, actor, reason, at };
}

const MAX_PERIODS = 100;

/** A move lasts until the next one of its alias; one that took the alias away has no time of its own. */
const ALIAS_PERIODS = `
WITH moves AS (
  SELECT *, lead(at) OVER (PARTITION BY alias ORDER BY revision) AS until FROM alias_history)
SELECT alias, iif(name = ?1 AND version = ?2, 'target', 'canary') AS role, share, at AS "from", until, revision,
  actor, reason
FROM moves
WHERE ((name = ?1 AND version = ?2) OR (canary_name = ?1 AND canary_version = ?2)) AND removed IS NOT 1
ORDER BY at DESC, alias, revision DESC LIMIT ?3`;

/** When which alias pointed at a version, newest first. */
export async function listAliasPeriods(
  d1: D1Database,
  { name, version }: ModelReference,
): Promise<AliasPeriod[]> {
  const { results } = await d1.prepare(ALIAS_PERIODS).bind(name, version, MAX_PERIODS).all<AliasPeriod>();
  return results;
}
