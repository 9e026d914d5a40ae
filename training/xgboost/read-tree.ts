import { MAX_CATEGORY } from "../onnx/tree-ensemble-layout.ts";
import { readNumber, readNumbers } from "./document/json-fields.ts";
import type { XgboostTree } from "./model.ts";
import type { JsonValue } from "./ubjson.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

/** Far deeper than any tree of a model. The runtime builds trees recursively. */
const MAX_TREE_DEPTH = 1_000;
/** The `split_type` of a node that splits on categories. */
const CATEGORICAL = 1;

/**
 * Reads one tree: the nodes that are reachable from its root, each parent before its children. Pruned nodes
 * are not reachable. In XGBoost a value below the condition goes left, and a listed category goes right.
 * @param scale the factor of the leaf values: 1, or the tree's weight in a dart booster
 * @throws UnsupportedModelError if the arrays are not a tree over that many features
 */
export function readTree(json: JsonValue, featureCount: number, scale: number): XgboostTree {
  const arrays = readArrays(json);
  const nodes = findReachableNodes(arrays);
  const indexOfNode = new Map(nodes.map((node, i) => [node, i]));
  const isLeaf = nodes.map((node) => arrays.left[node] === -1);
  const isNumericSplit = (node: number, i: number) => !isLeaf[i] && !arrays.categories.has(node);
  const tree = {
    feature: nodes.map((node, i) => (isLeaf[i] ? 0 : arrays.feature[node]!)),
    threshold: nodes.map((node, i) => (isNumericSplit(node, i) ? Math.fround(arrays.condition[node]!) : 0)),
    left: nodes.map((node, i) => (isLeaf[i] ? -1 : indexOfNode.get(arrays.left[node]!)!)),
    right: nodes.map((node, i) => (isLeaf[i] ? -1 : indexOfNode.get(arrays.right[node]!)!)),
    defaultLeft: nodes.map((node) => arrays.defaultLeft[node]!),
    value: nodes.map((node, i) =>
      isLeaf[i] ? Math.fround(Math.fround(arrays.condition[node]!) * scale) : 0,
    ),
    categories: nodes.map((node, i) => (isLeaf[i] ? undefined : arrays.categories.get(node))),
    gain: nodes.map((node, i) => (isLeaf[i] ? 0 : Math.fround(arrays.gain[node] ?? 0))),
    cover: nodes.map((node) => arrays.cover[node] ?? Number.NaN),
  };
  if (tree.feature.some((feature) => !(feature >= 0 && feature < featureCount))) {
    throw new UnsupportedModelError(
      `a tree splits on an unknown feature; the model has ${featureCount} features`,
    );
  }
  if (tree.threshold.some(Number.isNaN) || !tree.value.every(Number.isFinite)) {
    throw new UnsupportedModelError("a tree has a split condition or a leaf value that is not a number");
  }
  return tree;
}

/** The arrays of a tree as the file has them, one entry per node. */
interface TreeArrays {
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** The threshold of a split, or the value of a leaf. */
  readonly condition: readonly number[];
  readonly feature: readonly number[];
  readonly defaultLeft: readonly number[];
  readonly gain: readonly number[];
  readonly cover: readonly number[];
  /** The categories of the nodes that split on categories. */
  readonly categories: ReadonlyMap<number, readonly number[]>;
}

function readArrays(json: JsonValue): TreeArrays {
  if (readNumber(json, ["tree_param", "size_leaf_vector"], 1) > 1) {
    throw new UnsupportedModelError("models with several outputs (vector leaves) are not supported");
  }
  const left = readNumbers(json, ["left_children"]);
  const right = readNumbers(json, ["right_children"]);
  const condition = readNumbers(json, ["split_conditions"]);
  const feature = readNumbers(json, ["split_indices"]);
  const defaultLeft = readNumbers(json, ["default_left"]);
  const types = readNumbers(
    json,
    ["split_type"],
    left.map(() => 0),
  );
  if ([right, condition, feature, defaultLeft, types].some(({ length }) => length !== left.length)) {
    throw new UnsupportedModelError("the arrays of a tree must have the same length");
  }
  const categories = readCategories(json);
  if (types.some((type, node) => type === CATEGORICAL && left[node] !== -1 && !categories.has(node))) {
    throw new UnsupportedModelError("a categorical split has no categories");
  }
  const gain = readNumbers(json, ["loss_changes"], []);
  const cover = readNumbers(json, ["sum_hessian"], []);
  return { left, right, condition, feature, defaultLeft, categories, gain, cover };
}

function readCategories(json: JsonValue): Map<number, readonly number[]> {
  const starts = readNumbers(json, ["categories_segments"], []);
  const sizes = readNumbers(json, ["categories_sizes"], []);
  const codes = readNumbers(json, ["categories"], []);
  const tooHigh = codes.find((code) => code > MAX_CATEGORY);
  if (tooHigh !== undefined) {
    throw new UnsupportedModelError(
      `category ${tooHigh} is not supported; the highest supported category is ${MAX_CATEGORY}`,
    );
  }
  // Each code belongs to one split. Segments that overlap could together be far larger than the file.
  if (sizes.reduce((sum, size) => sum + size, 0) > codes.length) {
    throw new UnsupportedModelError("the categories of a split are incomplete or not integers");
  }
  return new Map(
    readNumbers(json, ["categories_nodes"], []).map((node, i) => {
      const start = starts[i] ?? codes.length;
      const categories = codes.slice(start, start + (sizes[i] ?? 0));
      if (
        categories.length === 0 ||
        categories.length !== sizes[i] ||
        categories.length > MAX_CATEGORY + 1 ||
        !categories.every((code) => Number.isInteger(code) && code >= 0)
      ) {
        throw new UnsupportedModelError("the categories of a split are incomplete or not integers");
      }
      return [node, categories];
    }),
  );
}

function findReachableNodes({ left, right }: TreeArrays): number[] {
  const depthOfNode = new Map<number, number>();
  const stack: [node: number, depth: number][] = [[0, 0]];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [node, depth] = next;
    const child = left[node];
    if (child === undefined)
      throw new UnsupportedModelError(`a tree has a branch to node ${node}, which does not exist`);
    if (depthOfNode.has(node)) throw new UnsupportedModelError(`a tree has two branches to node ${node}`);
    if (depth > MAX_TREE_DEPTH)
      throw new UnsupportedModelError(`a tree is deeper than ${MAX_TREE_DEPTH} splits`);
    depthOfNode.set(node, depth);
    if (child !== -1) stack.push([right[node]!, depth + 1], [child, depth + 1]);
  }
  return [...depthOfNode.keys()];
}
