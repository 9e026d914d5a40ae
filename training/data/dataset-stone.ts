import { hash } from "node:crypto";
import type { PricedStone } from "../../src/domain/diamond.ts";
import { SPLIT_PRIME } from "../../src/domain/split.ts";
import { formatMeasurements, formatRow, STONE_ID_DIGITS } from "../../src/domain/stone-id.ts";

/** A stone of a dataset, with its id and the key that decides its side of the split (src/domain/split.ts). */
export interface DatasetStone extends PricedStone {
  readonly id: string;
  readonly splitKey: number;
}

/** A split key is computed from 48 bits of a hash, which are 12 hexadecimal digits. */
const SPLIT_KEY_DIGITS = 12;

/** Gives the stones of one source their ids. Identical rows are numbered, so each gets its own id. */
export function assignIds(stones: readonly PricedStone[]): DatasetStone[] {
  const copies = new Map<string, number>();
  return stones.map((stone) => {
    const text = formatRow(stone);
    const copy = copies.get(text) ?? 0;
    copies.set(text, copy + 1);
    return toDatasetStone(stone, computeStoneId(stone, copy));
  });
}

/** Computes the id of a stone. `copy` is as in {@link formatRow}. */
export function computeStoneId(stone: PricedStone, copy: number): string {
  return hash("sha256", formatRow(stone, copy), "hex").slice(0, STONE_ID_DIGITS);
}

/** Adds the split key to a stone whose id is known. */
export function toDatasetStone(stone: PricedStone, id: string): DatasetStone {
  const digits = hash("sha256", formatMeasurements(stone), "hex").slice(0, SPLIT_KEY_DIGITS);
  return { ...stone, id, splitKey: Number.parseInt(digits, 16) % SPLIT_PRIME };
}
