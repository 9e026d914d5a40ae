import type { Rows } from "../../cloudflare/wrangler.ts";
import { PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";

/** Stones that came in through the API since the last training, and withdrawn stones. */
export interface FreshStones {
  readonly appraised: readonly PricedStone[];
  /** Ids of stones that no new dataset may contain. */
  readonly withdrawn: ReadonlySet<string>;
}

/** The queries whose rows {@link parseFreshStones} takes. */
export function buildFreshStoneQueries(includeQuarantined: boolean): readonly string[] {
  const columns = [...STONE_COLUMNS, "price"].map((column) => `"${column}"`).join(", ");
  return [
    `SELECT ${columns} FROM appraisals ${includeQuarantined ? "" : "WHERE status = 'accepted'"} ORDER BY id`,
    "SELECT id FROM withdrawals",
  ];
}

export function parseFreshStones([appraised = [], withdrawn = []]: Rows[]): FreshStones {
  return {
    // A stone that was accepted before a newer validation rule may break it. Such a stone is left out.
    appraised: appraised.flatMap((row) => PricedStone.safeParse(row).data ?? []),
    withdrawn: new Set(withdrawn.map((row) => String(row.id))),
  };
}
