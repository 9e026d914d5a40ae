import { HIGHEST_CATEGORY } from "../onnx/tree-layout.ts";
import type { TreeNodes } from "../onnx/trees.ts";
import { UnsupportedModelError } from "./error.ts";
import { type JsonObject, numberAt, numbersAt } from "./fields.ts";

/** Marks a node in `split_type` that splits on categories. */
const CATEGORICAL = 1;

export type ReadTree = Required<TreeNodes> & {
  /** What each split gained; 0 for leaves, and where the file does not say. */
  readonly gain: readonly number[];
};

/**
 * Reads one tree: the nodes that its root reaches, each parent before its children. Nodes that pruning cut
 * off stay behind. In XGBoost a value below the condition goes left, a category that is listed right.
 * @param scale what the leaves are multiplied with: 1, or the weight that dart gave the tree
 * @throws UnsupportedModelError where the arrays are no tree over that many features
 */
export function readTree(json: JsonObject, features: number, scale: number): ReadTree {
  const file = readArrays(json);
  const order = reachableNodes(file);
  const place = new Map(order.map((node, i) => [node, i]));
  const isLeaf = order.map((node) => file.left[node] === -1);
  const numeric = (node: number, i: number) => !isLeaf[i] && !file.sets.has(node);
  const tree = {
    feature: order.map((node, i) => (isLeaf[i] ? 0 : file.feature[node]!)),
    threshold: order.map((node, i) => (numeric(node, i) ? Math.fround(file.condition[node]!) : 0)),
    left: order.map((node, i) => (isLeaf[i] ? -1 : place.get(file.left[node]!)!)),
    right: order.map((node, i) => (isLeaf[i] ? -1 : place.get(file.right[node]!)!)),
    defaultLeft: order.map((node) => file.defaultLeft[node]!),
    value: order.map((node, i) => (isLeaf[i] ? Math.fround(Math.fround(file.condition[node]!) * scale) : 0)),
    categories: order.map((node, i) => (isLeaf[i] ? undefined : file.sets.get(node))),
    gain: order.map((node, i) => (isLeaf[i] ? 0 : Math.fround(file.gain[node] ?? 0))),
  };
  if (tree.feature.some((feature) => !(feature >= 0 && feature < features))) {
    throw new UnsupportedModelError(`a tree splits on a feature that the model's ${features} do not include`);
  }
  if (tree.threshold.some(Number.isNaN) || !tree.value.every(Number.isFinite)) {
    throw new UnsupportedModelError("a tree has a condition or a leaf that is not a number");
  }
  return tree;
}

/** A tree's arrays as in the file, one entry a node; `condition` is a leaf's value, too. */
interface FileArrays {
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly condition: readonly number[];
  readonly feature: readonly number[];
  readonly defaultLeft: readonly number[];
  readonly gain: readonly number[];
  /** The categories of the nodes that split on them. */
  readonly sets: ReadonlyMap<number, readonly number[]>;
}

function readArrays(json: JsonObject): FileArrays {
  if (numberAt(json, ["tree_param", "size_leaf_vector"], 1) > 1) {
    throw new UnsupportedModelError("models of several outputs (vector leaves) are not supported");
  }
  const left = numbersAt(json, ["left_children"]);
  const right = numbersAt(json, ["right_children"]);
  const condition = numbersAt(json, ["split_conditions"]);
  const feature = numbersAt(json, ["split_indices"]);
  const defaultLeft = numbersAt(json, ["default_left"]);
  const types = numbersAt(
    json,
    ["split_type"],
    left.map(() => 0),
  );
  if ([right, condition, feature, defaultLeft, types].some(({ length }) => length !== left.length)) {
    throw new UnsupportedModelError("the arrays of a tree differ in length");
  }
  const sets = readCategories(json);
  if (types.some((type, node) => type === CATEGORICAL && left[node] !== -1 && !sets.has(node))) {
    throw new UnsupportedModelError("a tree splits on categories that it does not list");
  }
  return { left, right, condition, feature, defaultLeft, sets, gain: numbersAt(json, ["loss_changes"], []) };
}

function readCategories(json: JsonObject): Map<number, readonly number[]> {
  const starts = numbersAt(json, ["categories_segments"], []);
  const sizes = numbersAt(json, ["categories_sizes"], []);
  const codes = numbersAt(json, ["categories"], []);
  const tooHigh = codes.find((code) => code > HIGHEST_CATEGORY);
  if (tooHigh !== undefined) {
    throw new UnsupportedModelError(
      `category ${tooHigh} is not supported: at most ${HIGHEST_CATEGORY + 1} categories`,
    );
  }
  return new Map(
    numbersAt(json, ["categories_nodes"], []).map((node, i) => {
      const start = starts[i] ?? codes.length;
      const set = codes.slice(start, start + (sizes[i] ?? 0));
      if (
        set.length === 0 ||
        set.length !== sizes[i] ||
        !set.every((code) => Number.isInteger(code) && code >= 0)
      ) {
        throw new UnsupportedModelError("a tree lists categories that are not whole");
      }
      return [node, set];
    }),
  );
}

function reachableNodes({ left, right }: FileArrays): number[] {
  const order = new Set<number>();
  const pending = [0];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const child = left[node];
    if (child === undefined || order.has(node)) {
      throw new UnsupportedModelError(
        `a tree's branches lead to ${child === undefined ? "no node" : "a node twice"}`,
      );
    }
    order.add(node);
    if (child !== -1) pending.push(right[node]!, child);
  }
  return [...order];
}
