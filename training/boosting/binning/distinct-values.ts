import { sortFloats } from "./radix-sort.ts";

/** The distinct values of a column. */
export interface DistinctValues {
  /** In ascending order, without NaN. */
  readonly values: Float32Array;
  /** Number of rows that have each value. */
  readonly counts: Float64Array;
  /** Number of rows whose value is missing (NaN). */
  readonly missingCount: number;
}

/** Finds the distinct values of a column; -0 counts as 0. */
export function findDistinctValues(column: Float32Array): DistinctValues {
  const sorted = sortFloats(column);
  let size = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) size++;
  const values = new Float32Array(size);
  const counts = new Float64Array(size);
  let last = -1;
  for (let i = 0; i < sorted.length; i++) {
    const value = sorted[i]!;
    if (last < 0 || value !== values[last]) values[++last] = value;
    counts[last]!++;
  }
  return { values, counts, missingCount: column.length - sorted.length };
}
