import type { Rows } from "../../cloudflare/wrangler.ts";
import { PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";

/** The stones of the API: appraised and withdrawn stones. */
export interface FreshStones {
  /** All appraised stones, including those that an earlier run already used. */
  readonly appraised: readonly PricedStone[];
  /** Ids of stones that no new dataset may contain. */
  readonly withdrawn: ReadonlySet<string>;
}

/** Builds the queries whose rows {@link parseFreshStones} parses. */
export function buildFreshStoneQueries(includeQuarantined: boolean): readonly string[] {
  const columns = [...STONE_COLUMNS, "price"].map((column) => `"${column}"`).join(", ");
  return [
    `SELECT ${columns} FROM appraisals ${includeQuarantined ? "" : "WHERE status = 'accepted'"} ORDER BY id`,
    "SELECT id FROM withdrawals",
  ];
}

export function parseFreshStones([appraised = [], withdrawn = []]: Rows[]): FreshStones {
  return {
    // A stone may violate a validation rule that is newer than the stone. Such a stone is left out.
    appraised: appraised.flatMap((row) => PricedStone.safeParse(row).data ?? []),
    withdrawn: new Set(withdrawn.map((row) => String(row.id))),
  };
}
