import { createHash } from "node:crypto";
import type { PricedStone } from "../../src/domain/diamond.ts";
import { SPLIT_PRIME } from "../../src/domain/split.ts";
import { formatMeasurements, formatRow, STONE_ID_DIGITS } from "../../src/domain/stone-id.ts";

/** A stone of a dataset, with its id and the key that decides its side of the split (src/domain/split.ts). */
export interface DatasetStone extends PricedStone {
  readonly id: string;
  readonly splitKey: number;
}

/** Gives the stones of one source their ids. Identical rows are numbered, so each gets its own id. */
export function assignIds(stones: readonly PricedStone[]): DatasetStone[] {
  const copies = new Map<string, number>();
  return stones.map((stone) => {
    const text = formatRow(stone);
    const copy = copies.get(text) ?? 0;
    copies.set(text, copy + 1);
    const hash = createHash("sha256").update(formatRow(stone, copy)).digest("hex");
    return toDatasetStone(stone, hash.slice(0, STONE_ID_DIGITS));
  });
}

/** Adds the split key to a stone whose id is known. */
export function toDatasetStone(stone: PricedStone, id: string): DatasetStone {
  const hash = createHash("sha256").update(formatMeasurements(stone)).digest();
  return { ...stone, id, splitKey: hash.readUIntBE(0, 6) % SPLIT_PRIME };
}
