import { EXAMPLE_STONE } from "../../../src/domain/diamond.ts";
import type { NewAppraisal } from "../../../training/appraisals/check-prices.ts";
import { assignIds } from "../../../training/data/dataset-stone.ts";

interface Options {
  readonly count: number;
  /** Price divided by the champion's price, by the position of the stone. */
  readonly ratio?: number | ((i: number) => number);
  readonly key?: string;
  readonly carat?: number;
  readonly color?: NewAppraisal["stone"]["color"];
  /** The stones arrive on this day, one a second. */
  readonly day?: number;
  readonly hasChampion?: boolean;
}

let created = 0;

/** Creates appraisals of different stones that no dataset has. The champion's price is 1,000 dollars. */
export function createAppraisals({
  count,
  ratio = 1,
  key = "dealer",
  carat = 1,
  color = "E",
  day = 1,
  hasChampion = true,
}: Options): NewAppraisal[] {
  const stones = Array.from({ length: count }, (_, i) => {
    const factor = typeof ratio === "number" ? ratio : ratio(i);
    return { ...EXAMPLE_STONE, carat, color, x: 5 + created++ / 100_000, price: 1_000 * factor };
  });
  return assignIds(stones).map((stone, i) => ({
    rowId: stone.id,
    stone,
    key,
    receivedAt: new Date(Date.UTC(2026, 10, day, 0, 0, i)).toISOString(),
    isQuarantined: false,
    bound: null,
    championPrice: hasChampion ? 1_000 : null,
  }));
}
