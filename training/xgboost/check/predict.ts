import type { Stone } from "../../../src/domain/diamond.ts";
import type { Feature } from "../features.ts";
import type { XgboostModel, XgboostTree } from "../model.ts";
import { type LogTarget, replaceMissing } from "../to-graph.ts";

/** Computes the values of each feature, one per stone. */
export function computeValues(
  features: readonly Feature[],
  stones: readonly Stone[],
  missing: number | undefined,
): Float32Array[] {
  const missingValue = missing === undefined ? Number.NaN : Math.fround(missing);
  return features.map((feature) => {
    if ("codes" in feature) {
      const codes = replaceMissing(feature.codes, missing);
      return Float32Array.from(stones, (stone) => codes.get(stone[feature.column]) ?? Number.NaN);
    }
    return Float32Array.from(stones, (stone) => stone[feature.column] ?? Number.NaN).map((value) =>
      value === missingValue ? Number.NaN : value,
    );
  });
}

/** Walks down a tree with one stone. Calls `onNode` with each node on the way, and returns the leaf. */
export function findLeaf(
  tree: XgboostTree,
  values: readonly Float32Array[],
  stone: number,
  onNode?: (node: number) => void,
): number {
  let node = 0;
  onNode?.(0);
  for (let left = tree.left[0]!; left >= 0; left = tree.left[node]!) {
    node = goesLeft(tree, node, values[tree.feature[node]!]![stone]!) ? left : tree.right[node]!;
    onNode?.(node);
  }
  return node;
}

/** Computes the prices of stones. They are for comparisons only: their sums are float64, not float32. */
export function computePrices(
  { ensemble, link }: XgboostModel,
  values: readonly Float32Array[],
  log: LogTarget,
): Float64Array {
  const sums = new Float64Array(values[0]?.length ?? 0).fill(ensemble.baseScore);
  for (const tree of ensemble.trees)
    for (let stone = 0; stone < sums.length; stone++)
      sums[stone]! += tree.value[findLeaf(tree, values, stone)]!;
  return sums.map((sum) => invertLog(link === "exp" ? Math.exp(sum) : sum, log));
}

function invertLog(prediction: number, log: LogTarget): number {
  if (log === false) return prediction;
  if (log === "log10") return 10 ** prediction;
  return log === "log1p" ? Math.expm1(prediction) : Math.exp(prediction);
}

function goesLeft(tree: XgboostTree, node: number, value: number): boolean {
  if (Number.isNaN(value)) return tree.defaultLeft[node] === 1;
  const categories = tree.categories[node];
  return categories === undefined ? value < tree.threshold[node]! : !categories.includes(value);
}
