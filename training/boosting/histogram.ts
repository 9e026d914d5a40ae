import { MISSING, STRIDE } from "./bins.ts";

/**
 * Adds the packed gradients of `rows[begin..end)` to a histogram: of the k-th of `columns` at `STRIDE * k + code`.
 * @param codes row-major
 * @returns nothing of use: it keeps the compiler from dropping loads that are there for the cache
 */
export type HistogramKernel = (
  rows: Int32Array,
  begin: number,
  end: number,
  codes: Uint8Array,
  columns: Int32Array,
  packed: Float64Array,
  histogram: Float64Array,
) => number;

/**
 * Where a node's rows lie far apart in a large table, each is a cache miss or two. Touching the next ones in a loop
 * of their own has the processor wait for many at a time.
 */
const SCATTERED_ROWS = 100_000;
const AHEAD = 64;

const kernels = new Map<string, HistogramKernel>();

/**
 * The kernel for `width` of `columnsInAll` columns, its loop over them unrolled: written out at run time, because the
 * loop that V8 compiles from a counted one takes 1.5 to 2 times as long, and this is where the learner spends its time.
 */
export function histogramKernel(width: number, columnsInAll: number): HistogramKernel {
  const key = `${width} of ${columnsInAll}`;
  const known = kernels.get(key);
  if (known) return known;
  const column = (k: number) => (width === columnsInAll ? `${k}` : `columns[${k}]`);
  const each = (line: (k: number) => string) => Array.from({ length: width }, (_, k) => line(k)).join("\n");
  const kernel = new Function(
    ...["rows", "begin", "end", "codes", "columns", "packed", "histogram"],
    `${each((k) => `const c${k} = ${column(k)};`)}
    let touched = 0;
    const scattered = rows.length >= ${SCATTERED_ROWS} && (end - begin) * 5 < rows.length;
    const step = scattered ? ${AHEAD} : end - begin;
    for (let from = begin; from < end; from += step) {
      const to = Math.min(from + step, end);
      if (scattered) {
        for (let i = from; i < to; i++) touched += packed[rows[i]] + codes[rows[i] * ${columnsInAll}];
      }
      for (let i = from; i < to; i++) {
        const row = rows[i];
        const gradient = packed[row];
        const at = row * ${columnsInAll};
        ${each((k) => `histogram[${k * STRIDE} + codes[at + c${k}]] += gradient;`)}
      }
    }
    return touched;`,
  ) as HistogramKernel;
  kernels.set(key, kernel);
  return kernel;
}

/**
 * The bins that the rows of nodes can be in: for the k-th column `first[offset + k]` to `last[offset + k]`, both
 * included. Deep nodes have few of them, and only those are cleared, subtracted and searched. Missing values lie
 * outside, and are in use where `hasMissing` of the column says so.
 */
export interface BinRange {
  readonly first: Int16Array;
  readonly last: Int16Array;
  readonly offset: number;
}

/** Sets the entries in the range to 0. */
export function clearHistogram(
  histogram: Float64Array,
  { first, last, offset }: BinRange,
  columns: Int32Array,
  hasMissing: Uint8Array,
): void {
  for (let k = 0; k < columns.length; k++) {
    const begin = k * STRIDE;
    const end = begin + last[offset + k]!;
    for (let at = begin + first[offset + k]!; at <= end; at++) histogram[at] = 0;
    if (hasMissing[columns[k]!]) histogram[begin + MISSING] = 0;
  }
}

/** `histogram += sign * other` over the entries in the range. */
export function addHistogram(
  histogram: Float64Array,
  other: Float64Array,
  sign: 1 | -1,
  { first, last, offset }: BinRange,
  columns: Int32Array,
  hasMissing: Uint8Array,
): void {
  for (let k = 0; k < columns.length; k++) {
    const begin = k * STRIDE;
    const end = begin + last[offset + k]!;
    for (let at = begin + first[offset + k]!; at <= end; at++) histogram[at]! += sign * other[at]!;
    if (hasMissing[columns[k]!]) histogram[begin + MISSING]! += sign * other[begin + MISSING]!;
  }
}
