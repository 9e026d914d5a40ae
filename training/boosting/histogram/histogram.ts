import { BINS_PER_FEATURE, MISSING_BIN } from "../binning/bins.ts";

/**
 * The range of bins that the rows of a node can be in. For the k-th feature it is `first[offset + k]` to
 * `last[offset + k]`, both included. Deep nodes use few bins, and only these are cleared, subtracted and
 * searched. The bin of missing values is outside the range; `hasMissing` says whether a feature uses it.
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
  features: Int32Array,
  hasMissing: Uint8Array,
): void {
  for (let k = 0; k < features.length; k++) {
    const begin = k * BINS_PER_FEATURE;
    const end = begin + last[offset + k]!;
    for (let at = begin + first[offset + k]!; at <= end; at++) histogram[at] = 0;
    if (hasMissing[features[k]!]) histogram[begin + MISSING_BIN] = 0;
  }
}

/** Computes `histogram += sign * other` over the entries in the range. */
export function addHistogram(
  histogram: Float64Array,
  other: Float64Array,
  sign: 1 | -1,
  { first, last, offset }: BinRange,
  features: Int32Array,
  hasMissing: Uint8Array,
): void {
  for (let k = 0; k < features.length; k++) {
    const begin = k * BINS_PER_FEATURE;
    const end = begin + last[offset + k]!;
    for (let at = begin + first[offset + k]!; at <= end; at++) histogram[at]! += sign * other[at]!;
    if (hasMissing[features[k]!]) histogram[begin + MISSING_BIN]! += sign * other[begin + MISSING_BIN]!;
  }
}
