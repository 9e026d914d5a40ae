import { type PricedStone, STONE_COLUMNS } from "./diamond.ts";

/** The split key is the hash of this text. It has no price: a stone with a new price stays in its split. */
export function formatMeasurements(stone: PricedStone): string {
  return STONE_COLUMNS.map((column) => stone[column]).join(",");
}

/** Length of a stone's id. The id is the first hexadecimal digits of the SHA-256 of {@link formatRow}. */
export const STONE_ID_DIGITS = 16;

/**
 * The id of a stone is the hash of this text.
 * @param copy number of identical rows before this one in the dataset; it gives each copy its own id
 */
export function formatRow(stone: PricedStone, copy = 0): string {
  return `${formatMeasurements(stone)},${stone.price}#${copy}`;
}
