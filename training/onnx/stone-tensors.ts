import { GRADE_COLUMNS, NUMBER_COLUMNS, type Stone } from "../../src/domain/diamond.ts";

type StoneTensors = Readonly<Record<string, Float32Array | string[]>>;

/** Every model of a run needs the tensors of the same two lists of stones several times. */
const cache = new WeakMap<readonly Stone[], StoneTensors>();

/** Converts stones to the inputs of a model, one column each: float32 or strings. Missing measurements are NaN. */
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
