import type { IdentifiedStone } from "../db/registry/appraisals.ts";
import { findSimilarDiamonds } from "../db/registry/diamonds.ts";
import type { ServedModel } from "../db/registry/models.ts";
import type { Stone } from "../domain/diamond.ts";
import type { AppContext } from "../http/context.ts";
import { readImmutable } from "../http/registry.ts";

/** They take about 1 MB. */
const MAX_CACHED_STONES = 5_000;

type GradedStone = Pick<Stone, "carat" | "cut" | "color" | "clarity">;

/**
 * Results by dataset, split and stone, least recently used first. They never change, because a dataset does not:
 * a stone that is withdrawn is only missing in later datasets.
 */
const cache = new Map<string, readonly IdentifiedStone[]>();
let cachedStones = 0;

/**
 * Finds for each stone the n comparable stones that a model was trained on, nearest weight first. Shops ask for
 * the same stones again, so the isolate keeps the results.
 * @throws TimeoutError, and the errors of D1
 */
export async function findComparables(
  c: AppContext,
  model: ServedModel,
  stones: readonly GradedStone[],
  n: number,
): Promise<(readonly IdentifiedStone[])[]> {
  const keys = stones.map((stone) => toKey(model, stone, n));
  // Taken before the registry is read: meanwhile, other requests may drop results.
  const results = new Map(keys.map((key) => [key, takeCached(key)]));
  const missing = stones.filter((_, i) => results.get(keys[i]!) === undefined);
  if (missing.length > 0) {
    const found = await readImmutable(c, (db) => findSimilarDiamonds(db, model, missing, n));
    for (const [i, stone] of missing.entries()) {
      const result = found?.stones[i];
      if (result === undefined) continue;
      const key = toKey(model, stone, n);
      results.set(key, result);
      store(key, result);
    }
    evict();
  }
  return keys.map((key) => results.get(key) ?? []);
}

function toKey(
  { dataset, seed }: ServedModel,
  { carat, cut, color, clarity }: GradedStone,
  n: number,
): string {
  return [dataset, seed, cut, color, clarity, carat, n].join();
}

function store(key: string, stones: readonly IdentifiedStone[]): void {
  cachedStones += stones.length - (cache.get(key)?.length ?? 0);
  cache.set(key, stones);
}

/** Returns a cached result and makes it the most recently used. */
function takeCached(key: string): readonly IdentifiedStone[] | undefined {
  const stones = cache.get(key);
  if (stones === undefined) return undefined;
  cache.delete(key);
  cache.set(key, stones);
  return stones;
}

/** Empty results count too, so that they cannot fill the memory. */
function evict(): void {
  for (const [key, stones] of cache) {
    if (cachedStones <= MAX_CACHED_STONES && cache.size <= MAX_CACHED_STONES) return;
    cache.delete(key);
    cachedStones -= stones.length;
  }
}
