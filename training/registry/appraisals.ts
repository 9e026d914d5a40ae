import { PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { query, type Target } from "./wrangler.ts";

/** Stones that came in through the API, and stones that were withdrawn. */
export interface FreshStones {
  readonly appraised: readonly PricedStone[];
  /** Ids of stones that no new dataset takes. */
  readonly withdrawn: ReadonlySet<string>;
}

/** Reads what waits for the next training; quarantined stones only where the run accepts them. */
export async function readFreshStones(target: Target, quarantined: boolean): Promise<FreshStones> {
  const columns = [...STONE_COLUMNS, "price"].map((column) => `"${column}"`).join(", ");
  const [appraised = [], withdrawn = []] = await query(target, [
    `SELECT ${columns} FROM appraisals ${quarantined ? "" : "WHERE status = 'accepted'"} ORDER BY id`,
    "SELECT id FROM withdrawals",
  ]);
  return {
    // One that came in before a rule that it breaks is left out, and stops nobody.
    appraised: appraised.flatMap((row) => PricedStone.safeParse(row).data ?? []),
    withdrawn: new Set(withdrawn.map((row) => String(row.id))),
  };
}
