/** The distinct values of a column, ascending, how often each occurs, and how many values are NaN. */
export interface Distinct {
  readonly values: Float32Array;
  readonly counts: Float64Array;
  readonly missing: number;
}

/** Finds the distinct values by sorting; -0 counts as 0. */
export function distinct(column: Float32Array): Distinct {
  const sorted = sortPresent(column);
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
  return { values, counts, missing: column.length - sorted.length };
}

const DIGIT = 11;
const RADIX = 1 << DIGIT;

/**
 * Radix sort over the float's bits, three digits of 11: linear, where a comparison sort takes
 * most of the time that binning a million rows may cost.
 */
function sortPresent(column: Float32Array): Float32Array {
  const bits = new Uint32Array(column.buffer, column.byteOffset, column.length);
  let from = new Uint32Array(column.length);
  let present = 0;
  for (let i = 0; i < column.length; i++) {
    if (Number.isNaN(column[i]!)) continue;
    const word = bits[i]!;
    // Negative floats order backwards: flip them whole, the others only in their sign.
    from[present++] = word & 0x8000_0000 ? ~word : word | 0x8000_0000;
  }
  let to = new Uint32Array(present);
  from = from.subarray(0, present);
  const starts = new Uint32Array(RADIX);
  for (let shift = 0; shift < 32; shift += DIGIT) {
    starts.fill(0);
    for (let i = 0; i < present; i++) starts[(from[i]! >>> shift) & (RADIX - 1)]!++;
    let sum = 0;
    for (let digit = 0; digit < RADIX; digit++) {
      const count = starts[digit]!;
      starts[digit] = sum;
      sum += count;
    }
    for (let i = 0; i < present; i++) {
      const word = from[i]!;
      to[starts[(word >>> shift) & (RADIX - 1)]!++] = word;
    }
    [from, to] = [to, from];
  }
  for (let i = 0; i < present; i++) {
    const word = from[i]!;
    from[i] = word & 0x8000_0000 ? word & 0x7fff_ffff : ~word;
  }
  return new Float32Array(from.buffer, from.byteOffset, present);
}
