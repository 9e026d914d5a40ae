import { CARAT_BANDS, findCaratBand } from "../../src/domain/carat-bands.ts";
import { GRADE_COLUMNS, GRADES, type PricedStone } from "../../src/domain/diamond.ts";

/** The carat bands and the grades. Each is counted and compared on its own. */
export const STONE_GROUPS: readonly string[] = [
  ...CARAT_BANDS.map(({ name }) => nameBand(name)),
  ...GRADE_COLUMNS.flatMap((column) => GRADES[column].map((grade) => nameGrade(column, grade))),
];

/** Lists the rows of the stones of each group, by the names of {@link STONE_GROUPS}. */
export function groupStones(
  stones: readonly Pick<PricedStone, "carat" | (typeof GRADE_COLUMNS)[number]>[],
): ReadonlyMap<string, readonly number[]> {
  const rows = new Map<string, number[]>(STONE_GROUPS.map((name) => [name, []]));
  for (const [row, stone] of stones.entries()) {
    rows.get(nameBand(findCaratBand(stone.carat)))!.push(row);
    for (const column of GRADE_COLUMNS) rows.get(nameGrade(column, stone[column]))!.push(row);
  }
  return rows;
}

function nameBand(band: string): string {
  return `${band} carat`;
}

function nameGrade(column: string, grade: string): string {
  return `${column} ${grade}`;
}
