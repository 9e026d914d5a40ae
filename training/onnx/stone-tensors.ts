import { GRADE_COLUMNS, NUMBER_COLUMNS, type Stone } from "../../src/domain/diamond.ts";

type StoneTensors = Readonly<Record<string, Float32Array | string[]>>;

/** Tensors by list of stones. All models of a run need those of the training stones and the test stones. */
const cache = new WeakMap<readonly Stone[], StoneTensors>();

/** Converts stones to columns, the inputs of a model: float32 or strings. Missing measurements become NaN. */
export function toStoneTensors(stones: readonly Stone[]): StoneTensors {
  const cached = cache.get(stones);
  if (cached !== undefined) return cached;
  const tensors = Object.fromEntries([
    ...NUMBER_COLUMNS.map((name) => [name, Float32Array.from(stones, (stone) => stone[name] ?? Number.NaN)]),
    ...GRADE_COLUMNS.map((name) => [name, stones.map((stone) => stone[name])]),
  ]) as StoneTensors;
  cache.set(stones, tensors);
  return tensors;
}
