import type { Stone } from "../../src/domain/diamond.ts";

/** Stones without measurements, by list of stones. All models of a run need them. */
const cache = new WeakMap<readonly Stone[], readonly Stone[]>();

/** Returns the stones with nothing but what a caller must give: the weight and the grades. */
export function dropMeasurements(stones: readonly Stone[]): readonly Stone[] {
  const cached = cache.get(stones);
  if (cached !== undefined) return cached;
  const dropped = stones.map(({ carat, cut, color, clarity }): Stone => ({ carat, cut, color, clarity }));
  cache.set(stones, dropped);
  return dropped;
}
