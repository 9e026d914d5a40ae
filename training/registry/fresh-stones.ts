import type { Rows } from "../../cloudflare/wrangler.ts";
import { PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";
import type { FeedBound } from "../../src/domain/feed-check.ts";
import { assignIds, type DatasetStone } from "../data/dataset-stone.ts";
import { computeRoundedId } from "../data/stone-index.ts";

/** A stone that was sent with its price. */
export interface Appraisal {
  /** Primary key of its row. It is the stone's id, unless the row was not written by the API. */
  readonly rowId: string;
  readonly stone: DatasetStone;
  /** Name of the API key that sent it. */
  readonly key: string;
  readonly receivedAt: string;
  readonly isQuarantined: boolean;
  /** The bound that holds or held it; null if no check has held it, or an earlier version did. */
  readonly bound: FeedBound | null;
}

/** The stones of the API: appraised and withdrawn stones. */
export interface FreshStones {
  /** All appraised stones, including those that an earlier run already used, and quarantined ones. */
  readonly appraisals: readonly Appraisal[];
  /**
   * Ids of stones that no new dataset may contain. A stone that was stored before values were rounded has two:
   * its own, and the one after rounding.
   */
  readonly withdrawn: ReadonlySet<string>;
}

const PRICED_COLUMNS = [...STONE_COLUMNS, "price"] as const;
const COLUMNS = PRICED_COLUMNS.map((column) => `"${column}"`).join(", ");

/** The queries whose rows {@link parseFreshStones} parses. `source` is the key's name, or begins with it and ": ". */
export const FRESH_STONE_QUERIES: readonly string[] = [
  `SELECT appraisals.id AS rowId, ${COLUMNS}, status, received_at AS receivedAt, bound,
     CASE instr(source, ': ') WHEN 0 THEN source ELSE substr(source, 1, instr(source, ': ') - 1) END AS "key"
   FROM appraisals LEFT JOIN quarantines ON quarantines.id = appraisals.id ORDER BY appraisals.id`,
  "SELECT id FROM withdrawals",
  // Without withdrawals, SQLite does not read the tables of stones.
  ["appraisals", "diamonds"]
    .map(
      (table) => `SELECT id, ${COLUMNS} FROM ${table}
        WHERE EXISTS (SELECT 1 FROM withdrawals) AND id IN (SELECT id FROM withdrawals)`,
    )
    .join(" UNION "),
];

export function parseFreshStones([
  appraised = [],
  withdrawn = [],
  withdrawnStones = [],
]: Rows[]): FreshStones {
  // A stone may violate a validation rule that is newer than the stone. Such a stone is left out.
  const valid = appraised.flatMap((row) => {
    const values = Object.fromEntries(PRICED_COLUMNS.map((column) => [column, row[column]]));
    const stone = PricedStone.safeParse(values).data;
    return stone === undefined ? [] : [{ row, stone }];
  });
  const stones = assignIds(valid.map(({ stone }) => stone));
  return {
    appraisals: valid.map(({ row }, i) => ({
      rowId: String(row.rowId),
      stone: stones[i]!,
      key: String(row.key),
      receivedAt: String(row.receivedAt),
      isQuarantined: row.status !== "accepted",
      bound: row.bound as FeedBound | null,
    })),
    withdrawn: new Set([
      ...withdrawn.map((row) => String(row.id)),
      ...withdrawnStones.map((row) => computeRoundedId(row as unknown as PricedStone & { id: string })),
    ]),
  };
}
