import { GRADE_COLUMNS, NUMBER_COLUMNS, type Stone } from "../src/domain/diamond.ts";

/** Stones as the inputs of a model: a column each, float32 or strings, missing measurements NaN. */
export function stoneTensors(stones: readonly Stone[]): Record<string, Float32Array | string[]> {
  return Object.fromEntries([
    ...NUMBER_COLUMNS.map((name) => [name, Float32Array.from(stones, (stone) => stone[name] ?? Number.NaN)]),
    ...GRADE_COLUMNS.map((name) => [name, stones.map((stone) => stone[name])]),
  ]);
}
