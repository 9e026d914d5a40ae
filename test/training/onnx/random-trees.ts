import type { TreeNodes, TreeSum } from "../../../training/onnx/trees.ts";

export const FEATURES = 5;
/** Features from this one on hold category codes. */
const FIRST_CATEGORY = 3;
const CATEGORIES = 8;

/** A generator of numbers in [0, 1), the same for the same seed (a linear congruence of Numerical Recipes). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A tree whose splits are numeric and, on features of codes, by category too; some branches end early. */
export function growTree(random: () => number, depth: number): TreeNodes {
  const tree = {
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    defaultLeft: [] as number[],
    value: [] as number[],
    categories: [] as (number[] | undefined)[],
  };
  const grow = (levels: number): number => {
    const node = tree.left.length;
    const feature = Math.floor(random() * FEATURES);
    const isCode = feature >= FIRST_CATEGORY;
    const isLeaf = levels === 0 || random() < 0.15;
    tree.feature.push(feature);
    tree.threshold.push(isCode ? Math.floor(random() * CATEGORIES) : measure(random));
    tree.left.push(-1);
    tree.right.push(-1);
    tree.defaultLeft.push(random() < 0.5 ? 1 : 0);
    tree.value.push(isLeaf ? Math.fround(random() * 200 - 100) : 0);
    tree.categories.push(!isLeaf && isCode && random() < 0.7 ? someCodes(random) : undefined);
    if (!isLeaf) {
      tree.left[node] = grow(levels - 1);
      tree.right[node] = grow(levels - 1);
    }
    return node;
  };
  grow(depth);
  return tree;
}

/** Rows by column; measures fall on thresholds often, a few values are missing or unknown codes. */
export function randomColumns(random: () => number, rows: number): Float32Array[] {
  return Array.from({ length: FEATURES }, (_, feature) =>
    Float32Array.from({ length: rows }, () => {
      if (random() < 0.15) return Number.NaN;
      return feature >= FIRST_CATEGORY ? Math.floor(random() * (CATEGORIES + 2)) - 1 : measure(random);
    }),
  );
}

/** The base score and each tree's leaf, added one after the other in the given precision. */
export function sumOfLeaves(
  ensemble: TreeSum,
  columns: readonly Float32Array[],
  row: number,
  precision: "float" | "double",
): number {
  const round = precision === "float" ? Math.fround : (value: number) => value;
  return ensemble.trees.reduce((sum, tree) => round(sum + leaf(tree, columns, row)), ensemble.baseScore);
}

function leaf(tree: TreeNodes, columns: readonly Float32Array[], row: number): number {
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

function measure(random: () => number): number {
  return Math.fround(Math.floor(random() * 20) / 10);
}

function someCodes(random: () => number): number[] {
  const codes = Array.from({ length: CATEGORIES }, (_, code) => code).filter(() => random() < 0.4);
  return codes.length > 0 ? codes : [Math.floor(random() * CATEGORIES)];
}
