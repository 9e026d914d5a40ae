import { GRADE_COLUMNS, NUMBER_COLUMNS, type Stone } from "../../src/domain/diamond.ts";

type Tensors = Readonly<Record<string, Float32Array | string[]>>;

/** Every model of a run sees the same two sides of the split, several times. */
const made = new WeakMap<readonly Stone[], Tensors>();

/** Stones as the inputs of a model: a column each, float32 or strings, missing measurements NaN. */
export function stoneTensors(stones: readonly Stone[]): Tensors {
  const known = made.get(stones);
  if (known !== undefined) return known;
  const tensors = Object.fromEntries([
    ...NUMBER_COLUMNS.map((name) => [name, Float32Array.from(stones, (stone) => stone[name] ?? Number.NaN)]),
    ...GRADE_COLUMNS.map((name) => [name, stones.map((stone) => stone[name])]),
  ]) as Tensors;
  made.set(stones, tensors);
  return tensors;
}
