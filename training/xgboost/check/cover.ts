import type { Stone } from "../../../src/domain/diamond.ts";
import type { Feature, FeatureColumn } from "../features.ts";
import type { XgboostTree } from "../model.ts";
import { computeValues, findLeaf, type ValueOptions } from "./predict.ts";

/** Nodes with fewer rows have shares that are mostly chance. */
const MIN_NODE_ROWS = 40;

/** The columns of the splits, and how far the splits are from what the model expects. */
export type Mismatches = ReadonlyMap<FeatureColumn, number>;

/**
 * Measures how far the splits on each column are from the model's own expectation. A model file has the cover
 * of each node: for a squared error the number of training rows, for other objectives roughly proportional
 * to it. The cover of the left child divided by the cover of the node is the share of rows that the model
 * expects to go left. The mismatch is the mean absolute difference from the share of the given stones, 0 to 1,
 * weighted by stones, less what chance explains. It is measured within nodes, so that a wrong column changes
 * the mismatch of other columns little.
 * @returns no entry for a column without splits, and for a file without covers
 */
export function measureMismatches(
  trees: readonly XgboostTree[],
  features: readonly Feature[],
  stones: readonly Stone[],
  { missing, derived }: ValueOptions,
): Mismatches {
  const values = computeValues(features, stones, { missing, derived });
  const totals = new Map<FeatureColumn, { difference: number; stones: number }>();
  for (const tree of trees) {
    const counts = countStones(tree, values);
    for (let node = 0; node < tree.left.length; node++) {
      const left = tree.left[node]!;
      const cover = tree.cover[node]!;
      const count = counts[node]!;
      if (left < 0 || count < MIN_NODE_ROWS || !(cover >= MIN_NODE_ROWS)) continue;
      const { column } = features[tree.feature[node]!]!;
      const total = totals.get(column) ?? { difference: 0, stones: 0 };
      const expected = tree.cover[left]! / cover;
      const chance = Math.sqrt(expected * (1 - expected) * (1 / cover + 1 / count));
      total.difference += count * Math.max(0, Math.abs(counts[left]! / count - expected) - chance);
      total.stones += count;
      totals.set(column, total);
    }
  }
  return new Map([...totals].map(([column, total]) => [column, total.difference / total.stones]));
}

/** Counts the stones in each node of a tree. */
function countStones(tree: XgboostTree, values: readonly Float32Array[]): Float64Array {
  const counts = new Float64Array(tree.left.length);
  const stones = values[0]?.length ?? 0;
  const addNode = (node: number) => {
    counts[node]!++;
  };
  for (let stone = 0; stone < stones; stone++) findLeaf(tree, values, stone, addNode);
  return counts;
}
