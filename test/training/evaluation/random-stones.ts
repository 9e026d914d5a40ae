import { GRADE_COLUMNS, GRADES, type PricedStone } from "../../../src/domain/diamond.ts";
import { createRandom } from "../../support/random.ts";

/**
 * Creates stones of all grades and carat bands, each grade as often as the others of its column. The price is about
 * 4000 * carat, and differs from it by 5 % on average.
 */
export function createRandomStones(count: number, seed = 1): PricedStone[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const carat = 0.2 + 2.3 * random();
    const grades = Object.fromEntries(
      GRADE_COLUMNS.map((column) => [column, GRADES[column][Math.floor(random() * GRADES[column].length)]]),
    ) as Pick<PricedStone, (typeof GRADE_COLUMNS)[number]>;
    // Equal weights would make equal measurements, which are on the same side of the split.
    const sizes = { depth: 60 + 3 * random(), table: 55, x: 6, y: 6, z: 4 };
    return { carat, ...grades, ...sizes, price: 4000 * carat * (0.9 + 0.2 * random()) };
  });
}
