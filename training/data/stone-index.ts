import type { PricedStone } from "../../src/domain/diamond.ts";
import { isRounded, roundStone } from "../../src/domain/stone-id.ts";
import { computeStoneId, type DatasetStone } from "./dataset-stone.ts";

/** Copies of one row that are tried to find the number of a copy. */
const MAX_COPIES = 100;

/**
 * Returns the id that a stone has after rounding. It is the stone's own id, except for a stone that was stored
 * before values were rounded: such a stone keeps its id, and is also known by this one.
 */
export function computeRoundedId(stone: PricedStone & { readonly id: string }): string {
  return isRounded(stone) ? stone.id : computeStoneId(roundStone(stone), findCopyNumber(stone));
}

/** Whether a set has the id of a stone, or the one that it has after rounding. */
export function hasStone(ids: ReadonlySet<string>, stone: PricedStone & { readonly id: string }): boolean {
  return ids.size > 0 && (ids.has(stone.id) || ids.has(computeRoundedId(stone)));
}

/** The number of a copy is part of its id only. It is 0 if no number gives the id. */
function findCopyNumber(stone: PricedStone & { readonly id: string }): number {
  for (let copy = 0; copy < MAX_COPIES; copy++) if (computeStoneId(stone, copy) === stone.id) return copy;
  return 0;
}

/** Stones by id. A stone with values that are not rounded is also found by its rounded values. */
export class StoneIndex {
  readonly #stones = new Map<string, DatasetStone>();
  readonly #roundedIds = new Set<string>();

  /** Adds stones that are known to be different stones. */
  constructor(known: readonly DatasetStone[]) {
    for (const stone of known) this.#stones.set(stone.id, stone);
    for (const stone of known) if (!isRounded(stone)) this.#addRounded(stone);
  }

  get stones(): DatasetStone[] {
    return [...this.#stones.values()];
  }

  /** Adds a stone, and returns whether it is new. */
  add(stone: DatasetStone): boolean {
    if (this.#has(stone.id)) return false;
    if (!isRounded(stone)) {
      if (this.#has(computeRoundedId(stone))) return false;
      this.#addRounded(stone);
    }
    this.#stones.set(stone.id, stone);
    return true;
  }

  #has(id: string): boolean {
    return this.#stones.has(id) || this.#roundedIds.has(id);
  }

  /**
   * Adds the id of the stone's rounded values. If another known stone has it, the next copy's: a source with
   * two copies of the row has no new stone then.
   */
  #addRounded(stone: DatasetStone): void {
    const rounded = roundStone(stone);
    let copy = findCopyNumber(stone);
    while (this.#has(computeStoneId(rounded, copy))) copy++;
    this.#roundedIds.add(computeStoneId(rounded, copy));
  }
}
