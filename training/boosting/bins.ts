import { findCuts } from "./cuts.ts";
import { distinct } from "./distinct.ts";

/** Distance between two features' bins in a histogram, and one more than the largest code. */
export const STRIDE = 256;
/** The code of a missing value, in features that have any. */
export const MISSING = 255;

/** How features were cut. */
export interface FeatureCuts {
  /** The bounds of feature f's bins, from `STRIDE * f`. */
  readonly bounds: Float32Array;
  /** Number of its bins, -1 where a value is infinite. */
  readonly bins: Int32Array;
  /** A threshold below all its values. */
  readonly below: Float32Array;
  /** 1 where it has missing values. */
  readonly hasMissing: Uint8Array;
}

/** Buckets of the table that finds a value's bin without a search. */
const BUCKETS = 2048;

/**
 * Cuts a feature and writes each row's bin to `codes`.
 * @param maxBin 2 to 256, at most 255 where values are missing, as code 255 then means missing
 */
export function binFeature(
  column: Float32Array,
  maxBin: number,
  codes: Uint8Array,
  feature: number,
  cuts: FeatureCuts,
): void {
  const found = distinct(column);
  const { values, missing } = found;
  cuts.hasMissing[feature] = missing > 0 ? 1 : 0;
  if (values.length > 0 && !(Number.isFinite(values[0]) && Number.isFinite(values.at(-1)))) {
    cuts.bins[feature] = -1;
    return;
  }
  const { bounds, below } = findCuts(found, missing > 0 ? Math.min(maxBin, MISSING) : maxBin);
  cuts.bounds.set(bounds, feature * STRIDE);
  cuts.bins[feature] = bounds.length;
  cuts.below[feature] = below;
  encode(column, bounds, codes);
}

function encode(column: Float32Array, bounds: Float32Array, codes: Uint8Array): void {
  const last = bounds.length - 1;
  if (last < 1) {
    for (let row = 0; row < column.length; row++) codes[row] = Number.isNaN(column[row]!) ? MISSING : 0;
    return;
  }
  // Buckets are even steps between the inner bounds; from a bucket's first bin the right one is a step or two.
  const low = bounds[0]!;
  const scale = (BUCKETS - 1) / Math.max(bounds[last - 1]! - low, Number.MIN_VALUE);
  const bucketOf = (value: number) => Math.min(Math.max((value - low) * scale, 0), BUCKETS - 1) | 0;
  const starts = new Uint8Array(BUCKETS);
  for (let bin = 0, bucket = 0; bin <= last; bin++) {
    // A value in an earlier bucket than a bound's is below that bound: rounding is monotone.
    const end = bin < last ? bucketOf(bounds[bin]!) : BUCKETS - 1;
    while (bucket <= end) starts[bucket++] = bin;
  }
  for (let row = 0; row < column.length; row++) {
    const value = column[row]!;
    if (Number.isNaN(value)) {
      codes[row] = MISSING;
      continue;
    }
    let bin = starts[bucketOf(value)]!;
    while (value >= bounds[bin]!) bin++;
    codes[row] = bin;
  }
}
