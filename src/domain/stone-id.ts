import { type PricedStone, STONE_COLUMNS } from "./diamond.ts";

/** The text that the split key is the hash of. It has no price: a new price leaves a stone in its split. */
export function formatMeasurements(stone: PricedStone): string {
  return STONE_COLUMNS.map((column) => stone[column]).join(",");
}

/** Length of a stone's id: the first hexadecimal digits of the SHA-256 of {@link formatRow}. */
export const STONE_ID_DIGITS = 16;

/**
 * The text that the id of a stone is the hash of.
 * @param copy number of identical rows before this one in the dataset; it gives each copy its own id
 */
export function formatRow(stone: PricedStone, copy = 0): string {
  return `${formatMeasurements(stone)},${stone.price}#${copy}`;
}
