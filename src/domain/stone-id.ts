import { NUMBER_COLUMNS, type PricedStone, STONE_COLUMNS } from "./diamond.ts";

/** The values of a stone are rounded to these steps per unit: a thousandth, and for the price a cent. */
const MEASUREMENT_STEPS = 1000;
const PRICE_STEPS = 100;

function roundTo(value: number, steps: number): number {
  return Math.round(value * steps) / steps;
}

/**
 * Rounds a stone to what its values can mean: thousandths of a carat, a percent and a millimetre, and cents. So
 * its id does not depend on how a program spelled a number: 6.610000133514404 is 6.61 in float32.
 */
export function roundStone<Priced extends PricedStone>(stone: Priced): Priced {
  const rounded = { ...stone };
  for (const column of NUMBER_COLUMNS) rounded[column] = roundTo(stone[column], MEASUREMENT_STEPS);
  rounded.price = roundTo(stone.price, PRICE_STEPS);
  return rounded;
}

/** False only for a stone that was stored before values were rounded. It keeps its id. */
export function isRounded(stone: PricedStone): boolean {
  return (
    NUMBER_COLUMNS.every((column) => roundTo(stone[column], MEASUREMENT_STEPS) === stone[column]) &&
    roundTo(stone.price, PRICE_STEPS) === stone.price
  );
}

/** The split key is the hash of this text. It has no price: a stone with a new price stays in its split. */
export function formatMeasurements(stone: PricedStone): string {
  return STONE_COLUMNS.map((column) => stone[column]).join(",");
}

/** Length of a stone's id. The id is the first hexadecimal digits of the SHA-256 of {@link formatRow}. */
export const STONE_ID_DIGITS = 16;

/**
 * The id of a stone is the hash of this text. A new stone must be rounded first, see {@link roundStone}.
 * @param copy number of identical rows before this one in the dataset; it gives each copy its own id
 */
export function formatRow(stone: PricedStone, copy = 0): string {
  return `${formatMeasurements(stone)},${stone.price}#${copy}`;
}
