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
  const queries = stones.map((stone) => ({ stone, key: toKey(model, stone, n) }));
  const missing = queries.filter(({ key }) => !cache.has(key));
  if (missing.length > 0) {
    const wanted = missing.map(({ stone }) => stone);
    const found = await readImmutable(c, (db) => findSimilarDiamonds(db, model, wanted, n));
    for (const [i, { key }] of missing.entries()) if (found !== null) store(key, found.stones[i]!);
  }
  const results = queries.map(({ key }) => use(key));
  evict();
  return results;
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

/** Reads a result and makes it the most recently used. */
function use(key: string): readonly IdentifiedStone[] {
  const stones = cache.get(key);
  if (stones === undefined) return [];
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
