import type { Alias } from "./alias.ts";
import type { ModelReference } from "./model-reference.ts";

/** An alias before a move. */
export interface AliasState {
  /** The version that the alias points at; null if the alias does not exist. */
  readonly current: ModelReference | null;
  /** Revision of the last move of this alias; 0 if there was none. Revisions continue after a removal. */
  readonly lastRevision: number;
}

/** The version that an alias is moved to; null removes the alias. */
export type AliasDestination = Pick<Alias, "name" | "version" | "share" | "canary"> | null;

/** The columns that a move writes to both tables. */
interface AliasColumns {
  readonly alias: string;
  readonly revision: number;
  readonly name: string;
  readonly version: number;
  readonly share: number | null;
  readonly canaryName: string | null;
  readonly canaryVersion: number | null;
}

export interface AliasRow extends AliasColumns {
  readonly updatedAt: string;
}

interface AliasHistoryRow extends AliasColumns {
  readonly fromName: string | null;
  readonly fromVersion: number | null;
  readonly removed: boolean;
  readonly actor: string;
  readonly reason: string;
  readonly at: string;
}

/**
 * Computes the rows that a move writes. The caller inserts the history row and writes the alias row in one
 * transaction. The key (alias, revision) of the history makes it a compare-and-set: the insert fails if the
 * alias was moved after `state` was read.
 * @returns `row` is null for a removal: the caller then deletes the alias.
 * @throws TypeError for the removal of an alias that does not exist
 */
export function planAliasMove(
  alias: string,
  { current, lastRevision }: AliasState,
  destination: AliasDestination,
  { actor, reason, at }: { readonly actor: string; readonly reason: string; readonly at: string },
): { readonly history: AliasHistoryRow; readonly row: AliasRow | null } {
  const version = destination ?? current;
  if (version === null) throw new TypeError(`cannot remove the alias ${alias}: it does not exist`);
  const columns: AliasColumns = {
    alias,
    revision: lastRevision + 1,
    name: version.name,
    version: version.version,
    share: destination?.share ?? null,
    canaryName: destination?.canary?.name ?? null,
    canaryVersion: destination?.canary?.version ?? null,
  };
  const history = {
    ...columns,
    fromName: current?.name ?? null,
    fromVersion: current?.version ?? null,
    removed: destination === null,
    actor,
    reason,
    at,
  };
  return { history, row: destination === null ? null : { ...columns, updatedAt: at } };
}
