import type { DistinctValues } from "./distinct-values.ts";

/**
 * The cut points of a feature. Bin b holds the values v with `upperBounds[b - 1] <= v < upperBounds[b]`, so a
 * split after bin b sends `v < upperBounds[b]` to the left. The last upper bound is above every value and
 * `lowerBound` is below every value: splits there separate present values from missing ones.
 */
export interface CutPoints {
  readonly upperBounds: Float32Array;
  readonly lowerBound: number;
}

/**
 * Finds XGBoost's cut points of a feature: its distinct values if there are at most `maxBin`, else about
 * equally full bins. Follows `WQSummary::SetPrune` and `AddCutPoint` (dmlc/xgboost
 * src/common/quantile.{h,cc}, 1.7) on exact ranks. XGBoost approximates the ranks above 8 * maxBin distinct
 * values; these cut points are equal or finer.
 */
export function findCutPoints({ values, counts }: DistinctValues, maxBin: number): CutPoints {
  const size = values.length;
  if (size === 0) return { upperBounds: new Float32Array(0), lowerBound: 0 };
  const summary = size <= maxBin + 1 ? values : pruneByRank(values, counts, maxBin + 1);
  const inner = summary.subarray(1, Math.min(summary.length, maxBin));
  const upperBounds = new Float32Array(inner.length + 1);
  upperBounds.set(inner);
  const highest = values[size - 1]!;
  const lowest = values[0]!;
  upperBounds[inner.length] = highest + (Math.abs(highest) + 1e-5);
  return { upperBounds, lowerBound: Math.fround(lowest - (Math.abs(lowest) + 1e-5)) };
}

/**
 * Keeps at most `maxSize` values, evenly spaced by rank. The smallest and the largest value are always kept.
 */
function pruneByRank(values: Float32Array, counts: Float64Array, maxSize: number): Float32Array {
  const size = values.length;
  const rankEnd = new Float64Array(size);
  let rows = 0;
  for (let i = 0; i < size; i++) {
    rows += counts[i]!;
    rankEnd[i] = rows;
  }
  const rankBegin = (i: number) => rankEnd[i]! - counts[i]!;
  const first = rankEnd[0]!;
  const range = rankBegin(size - 1) - first;
  const steps = maxSize - 1;
  const kept = new Float32Array(maxSize);
  kept[0] = values[0]!;
  let length = 1;
  let last = 0;
  let i = 1;
  for (let k = 1; k < steps; k++) {
    const twiceRank = 2 * ((k * range) / steps + first);
    while (i < size - 1 && twiceRank >= rankEnd[i + 1]! + rankBegin(i + 1)) i++;
    if (i === size - 1) break;
    const nearest = twiceRank < rankBegin(i) + counts[i]! + (rankEnd[i + 1]! - counts[i + 1]!) ? i : i + 1;
    if (nearest !== last) {
      kept[length++] = values[nearest]!;
      last = nearest;
    }
  }
  if (last !== size - 1) kept[length++] = values[size - 1]!;
  return kept.subarray(0, length);
}
