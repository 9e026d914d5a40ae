import { CARAT_BANDS, findCaratBand } from "../../src/domain/carat-bands.ts";
import { GRADE_COLUMNS, GRADES, type PricedStone } from "../../src/domain/diamond.ts";

/** The carat bands and the grades. Each is counted and compared on its own. */
export const STONE_GROUPS: readonly string[] = [
  ...CARAT_BANDS.map(({ name }) => nameBand(name)),
  ...GRADE_COLUMNS.flatMap((column) => GRADES[column].map((grade) => nameGrade(column, grade))),
];

type GroupedStone = Pick<PricedStone, "carat" | (typeof GRADE_COLUMNS)[number]>;

/** Functions that name the group of a stone: its carat band, and each of its grades. */
export const GROUP_FINDERS: readonly ((stone: GroupedStone) => string)[] = [
  ({ carat }) => nameBand(findCaratBand(carat)),
  ...GRADE_COLUMNS.map((column) => (stone: GroupedStone) => nameGrade(column, stone[column])),
];

/** Lists the rows of the stones of each group, by the names of {@link STONE_GROUPS}. */
export function groupStones(stones: readonly GroupedStone[]): ReadonlyMap<string, readonly number[]> {
  const rows = new Map<string, number[]>(STONE_GROUPS.map((name) => [name, []]));
  for (const [row, stone] of stones.entries())
    for (const findGroup of GROUP_FINDERS) rows.get(findGroup(stone))!.push(row);
  return rows;
}

function nameBand(band: string): string {
  return `${band} carat`;
}

function nameGrade(column: string, grade: string): string {
  return `${column} ${grade}`;
}
