import { type PricedStone, STONE_COLUMNS } from "./diamond.ts";

/** A stone's measurements as one text: what the split hashes, so that a new price changes no side. */
export function measurementsText(stone: PricedStone): string {
  return STONE_COLUMNS.map((column) => stone[column]).join(",");
}

/** How many hexadecimal digits of the hash of its row are a stone's id. */
export const STONE_ID_DIGITS = 16;

/**
 * A stone's row as one text: the first 16 hexadecimal digits of its SHA-256 are the stone's id. Exact
 * copies of a row within a dataset are numbered from 0.
 */
export function rowText(stone: PricedStone, copy = 0): string {
  return `${measurementsText(stone)},${stone.price}#${copy}`;
}
