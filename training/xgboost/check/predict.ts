import type { NumberColumn, Stone } from "../../../src/domain/diamond.ts";
import { type DerivedColumn, type Feature, isDerivedColumn } from "../features.ts";
import type { XgboostModel, XgboostTree } from "../model.ts";
import { type LogTarget, replaceMissing } from "../to-graph.ts";

/** The values of derived features, one per stone. */
export type DerivedValues = Readonly<Partial<Record<DerivedColumn, Float32Array>>>;

export interface ValueOptions {
  /** The value that the model was trained with as missing, besides NaN. */
  readonly missing?: number | undefined;
  /** Needed for the derived features of the model. */
  readonly derived?: DerivedValues | undefined;
}

/** Computes the values of each feature, one per stone. */
export function computeValues(
  features: readonly Feature[],
  stones: readonly Stone[],
  { missing, derived = {} }: ValueOptions,
): Float32Array[] {
  const missingValue = missing === undefined ? Number.NaN : Math.fround(missing);
  return features.map((feature) => {
    if ("codes" in feature) {
      const codes = replaceMissing(feature.codes, missing);
      return Float32Array.from(stones, (stone) => codes.get(stone[feature.column]) ?? Number.NaN);
    }
    return readNumbers(feature.column, stones, derived).map((value) =>
      value === missingValue ? Number.NaN : value,
    );
  });
}

function readNumbers(
  column: NumberColumn | DerivedColumn,
  stones: readonly Stone[],
  derived: DerivedValues,
): Float32Array {
  if (!isDerivedColumn(column)) return Float32Array.from(stones, (stone) => stone[column] ?? Number.NaN);
  const values = derived[column];
  if (values === undefined) throw new Error(`the values of ${column} are not given`);
  return values;
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
  stones: readonly Stone[],
  log: LogTarget,
): Float64Array {
  const sums = new Float64Array(values[0]?.length ?? 0).fill(ensemble.baseScore);
  for (const tree of ensemble.trees)
    for (let stone = 0; stone < sums.length; stone++)
      sums[stone]! += tree.value[findLeaf(tree, values, stone)]!;
  return sums.map((sum, i) => invertLog(link === "exp" ? Math.exp(sum) : sum, log, stones[i]!.carat));
}

function invertLog(prediction: number, log: LogTarget, carat: number): number {
  if (log === false) return prediction;
  if (log === "log per carat") return Math.exp(prediction) * carat;
  if (log === "log10") return 10 ** prediction;
  return log === "log1p" ? Math.expm1(prediction) : Math.exp(prediction);
}

function goesLeft(tree: XgboostTree, node: number, value: number): boolean {
  if (Number.isNaN(value)) return tree.defaultLeft[node] === 1;
  const categories = tree.categories[node];
  return categories === undefined ? value < tree.threshold[node]! : !categories.includes(value);
}
