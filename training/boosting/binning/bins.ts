import { findCutPoints } from "./cut-points.ts";
import { findDistinctValues } from "./distinct-values.ts";

/**
 * Number of entries for the bins of each feature in the bin table and in a histogram. A bin index is one
 * byte.
 */
export const BINS_PER_FEATURE = 256;
/** The bin of missing values. A feature without missing values may use it for other values. */
export const MISSING_BIN = 255;

/** The bins of all features. */
export interface BinTable {
  /** Upper bounds of feature f's bins, from `BINS_PER_FEATURE * f`. */
  readonly upperBounds: Float32Array;
  /** Number of bins of each feature; -1 for a feature that has an infinite value. */
  readonly binCounts: Int32Array;
  /** A threshold below all values of each feature. */
  readonly lowerBounds: Float32Array;
  /** 1 for a feature that has missing values. */
  readonly hasMissing: Uint8Array;
}

/** Number of entries of the table that maps a value to its first possible bin. */
const LOOKUP_SIZE = 2048;

/**
 * Finds the cut points of a feature, writes them to the table, and writes the bin of each row to `bins`.
 * @param maxBin 2 to 256. A feature with missing values gets at most 255 bins, because bin 255 then means
 * missing.
 */
export function binFeature(
  column: Float32Array,
  maxBin: number,
  bins: Uint8Array,
  feature: number,
  table: BinTable,
): void {
  const distinct = findDistinctValues(column);
  const { values, missingCount } = distinct;
  table.hasMissing[feature] = missingCount > 0 ? 1 : 0;
  if (values.length > 0 && !(Number.isFinite(values[0]) && Number.isFinite(values.at(-1)))) {
    table.binCounts[feature] = -1;
    return;
  }
  const { upperBounds, lowerBound } = findCutPoints(
    distinct,
    missingCount > 0 ? Math.min(maxBin, MISSING_BIN) : maxBin,
  );
  table.upperBounds.set(upperBounds, feature * BINS_PER_FEATURE);
  table.binCounts[feature] = upperBounds.length;
  table.lowerBounds[feature] = lowerBound;
  assignBins(column, upperBounds, bins);
}

/** Writes the bin of each row to `bins`: the first bin whose upper bound is above the row's value. */
function assignBins(column: Float32Array, upperBounds: Float32Array, bins: Uint8Array): void {
  const last = upperBounds.length - 1;
  if (last < 1) {
    for (let row = 0; row < column.length; row++) bins[row] = Number.isNaN(column[row]!) ? MISSING_BIN : 0;
    return;
  }
  // The lookup table divides the range of the inner bounds into even steps. It replaces a binary search: from
  // the first bin of a step, the bin of a value is usually at most two bins further.
  const low = upperBounds[0]!;
  const scale = (LOOKUP_SIZE - 1) / Math.max(upperBounds[last - 1]! - low, Number.MIN_VALUE);
  const stepOf = (value: number) => Math.min(Math.max((value - low) * scale, 0), LOOKUP_SIZE - 1) | 0;
  const firstBins = new Uint8Array(LOOKUP_SIZE);
  for (let bin = 0, step = 0; bin <= last; bin++) {
    // Rounding is monotone: a value in an earlier step than a bound's step is below that bound.
    const end = bin < last ? stepOf(upperBounds[bin]!) : LOOKUP_SIZE - 1;
    while (step <= end) firstBins[step++] = bin;
  }
  for (let row = 0; row < column.length; row++) {
    const value = column[row]!;
    if (Number.isNaN(value)) {
      bins[row] = MISSING_BIN;
      continue;
    }
    let bin = firstBins[stepOf(value)]!;
    while (value >= upperBounds[bin]!) bin++;
    bins[row] = bin;
  }
}
