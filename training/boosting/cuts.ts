import type { Distinct } from "./distinct.ts";

/**
 * Where a feature is cut. Bin b holds the values v with `bounds[b - 1] <= v < bounds[b]`, so a split after
 * bin b sends `v < bounds[b]` to the left. The last bound lies above every value, `below` under every value:
 * they divide present values from missing ones.
 */
export interface Cuts {
  readonly bounds: Float32Array;
  readonly below: number;
}

/**
 * XGBoost's cuts of a feature: its distinct values while they fit, else about equally full bins.
 * Follows `WQSummary::SetPrune` and `AddCutPoint` (dmlc/xgboost src/common/quantile.{h,cc}, 1.7) on the exact
 * ranks; XGBoost's own ranks are approximate past 8 * maxBin distinct values, so ours are equal or finer.
 */
export function findCuts({ values, counts }: Distinct, maxBin: number): Cuts {
  const size = values.length;
  if (size === 0) return { bounds: new Float32Array(0), below: 0 };
  const summary = size <= maxBin + 1 ? values : prune(values, counts, maxBin + 1);
  const inner = summary.subarray(1, Math.min(summary.length, maxBin));
  const bounds = new Float32Array(inner.length + 1);
  bounds.set(inner);
  const highest = values[size - 1]!;
  const lowest = values[0]!;
  bounds[inner.length] = highest + (Math.abs(highest) + 1e-5);
  return { bounds, below: Math.fround(lowest - (Math.abs(lowest) + 1e-5)) };
}

/** At most `maxSize` of the values, evenly spaced in rank, the smallest and the largest among them. */
function prune(values: Float32Array, counts: Float64Array, maxSize: number): Float32Array {
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
