import type { RegressionTree, TreeEnsemble } from "../../../training/onnx/tree-ensemble.ts";

export const FEATURES = 5;
/** This feature and all later features hold category codes. */
const FIRST_CATEGORICAL = 3;
const CATEGORIES = 8;

/** Grows a tree with numeric and categorical splits. Some branches end above the full depth. */
export function growTree(random: () => number, depth: number): RegressionTree {
  const tree = {
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    defaultLeft: [] as number[],
    value: [] as number[],
    categories: [] as (number[] | undefined)[],
  };
  const growNode = (levels: number): number => {
    const node = tree.left.length;
    const feature = Math.floor(random() * FEATURES);
    const isCategorical = feature >= FIRST_CATEGORICAL;
    const isLeaf = levels === 0 || random() < 0.15;
    tree.feature.push(feature);
    tree.threshold.push(isCategorical ? Math.floor(random() * CATEGORIES) : pickMeasurement(random));
    tree.left.push(-1);
    tree.right.push(-1);
    tree.defaultLeft.push(random() < 0.5 ? 1 : 0);
    tree.value.push(isLeaf ? Math.fround(random() * 200 - 100) : 0);
    tree.categories.push(!isLeaf && isCategorical && random() < 0.7 ? pickCodes(random) : undefined);
    if (!isLeaf) {
      tree.left[node] = growNode(levels - 1);
      tree.right[node] = growNode(levels - 1);
    }
    return node;
  };
  growNode(depth);
  return tree;
}

/** Creates rows as columns. Many values equal a threshold. Some are missing or are unknown codes. */
export function createColumns(random: () => number, rows: number): Float32Array[] {
  return Array.from({ length: FEATURES }, (_, feature) =>
    Float32Array.from({ length: rows }, () => {
      if (random() < 0.15) return Number.NaN;
      return feature >= FIRST_CATEGORICAL
        ? Math.floor(random() * (CATEGORIES + 2)) - 1
        : pickMeasurement(random);
    }),
  );
}

/** Adds the base score and the leaf value of each tree, one after another in float32. */
export function sumLeaves(ensemble: TreeEnsemble, columns: readonly Float32Array[], row: number): number {
  return ensemble.trees.reduce(
    (sum, tree) => Math.fround(sum + findLeafValue(tree, columns, row)),
    ensemble.baseScore,
  );
}

function findLeafValue(tree: RegressionTree, columns: readonly Float32Array[], row: number): number {
  let node = 0;
  while (tree.left[node] !== -1) {
    const value = columns[tree.feature[node]!]![row]!;
    const codes = tree.categories?.[node];
    let goesLeft = codes ? !codes.includes(value) : value < tree.threshold[node]!;
    if (Number.isNaN(value)) goesLeft = tree.defaultLeft[node] === 1;
    node = goesLeft ? tree.left[node]! : tree.right[node]!;
  }
  return tree.value[node]!;
}

function pickMeasurement(random: () => number): number {
  return Math.fround(Math.floor(random() * 20) / 10);
}

function pickCodes(random: () => number): number[] {
  const codes = Array.from({ length: CATEGORIES }, (_, code) => code).filter(() => random() < 0.4);
  return codes.length > 0 ? codes : [Math.floor(random() * CATEGORIES)];
}
