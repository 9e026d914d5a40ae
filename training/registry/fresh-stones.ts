import type { Rows } from "../../cloudflare/wrangler.ts";
import { PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";

/** Stones that came in through the API, and stones that were withdrawn. */
export interface FreshStones {
  readonly appraised: readonly PricedStone[];
  /** Ids of stones that no new dataset takes. */
  readonly withdrawn: ReadonlySet<string>;
}

/** What reads them; quarantined stones only where the run accepts them. */
export function freshStatements(quarantined: boolean): readonly string[] {
  const columns = [...STONE_COLUMNS, "price"].map((column) => `"${column}"`).join(", ");
  return [
    `SELECT ${columns} FROM appraisals ${quarantined ? "" : "WHERE status = 'accepted'"} ORDER BY id`,
    "SELECT id FROM withdrawals",
  ];
}

/** Takes the rows that {@link freshStatements} give. */
export function toFreshStones([appraised = [], withdrawn = []]: Rows[]): FreshStones {
  return {
    // One that came in before a rule that it breaks is left out, and stops nobody.
    appraised: appraised.flatMap((row) => PricedStone.safeParse(row).data ?? []),
    withdrawn: new Set(withdrawn.map((row) => String(row.id))),
  };
}
