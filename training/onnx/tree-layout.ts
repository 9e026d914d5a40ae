import type { Attributes } from "./attributes.ts";
import { type floatTensor, uint8Tensor } from "./tensor.ts";
import type { TreeNodes } from "./trees.ts";

/** Node modes of the operator: `value < split`, and `value is one of the members`. */
const LESS_THAN = 1;
const MEMBER = 6;
/** onnxruntime 1.30 keeps a set as the bits of one float32; it answers wrongly for codes above this. */
export const HIGHEST_CATEGORY = 30;

/** Where a branch leads: an inner node or a leaf, which are numbered apart. */
interface Target {
  readonly id: number;
  readonly isLeaf: boolean;
}

/** Trees laid out one after the other in the arrays of TreeEnsemble (ai.onnx.ml 5). */
export class TreeLayout {
  readonly #roots: number[] = [];
  readonly #features: number[] = [];
  readonly #splits: number[] = [];
  readonly #modes: number[] = [];
  readonly #missingToTrue: boolean[] = [];
  readonly #onTrue: Target[] = [];
  readonly #onFalse: Target[] = [];
  readonly #members: number[] = [];
  readonly #weights: number[] = [];

  /** A tree without splits: by the operator's rule, a node whose branches lead to the same leaf. */
  addLeaf(value: number): void {
    const leaf = { id: this.#weights.length, isLeaf: true };
    this.#weights.push(value);
    this.#roots.push(this.#modes.length);
    this.#addNode(0, 0, LESS_THAN, false, leaf, leaf);
  }

  /** @throws RangeError as `trees` does. */
  addTree(tree: TreeNodes): void {
    const { left, right, feature, threshold, defaultLeft, value } = tree;
    if (left[0] === -1) {
      this.addLeaf(entry(value, 0));
      return;
    }
    const targets = this.#numberNodes(tree);
    this.#roots.push(this.#modes.length);
    for (let node = 0; node < left.length; node++) {
      if (left[node] === -1) {
        this.#weights.push(entry(value, node));
        continue;
      }
      const toLeft = entry(targets, entry(left, node));
      const toRight = entry(targets, entry(right, node));
      const missingLeft = entry(defaultLeft, node) === 1;
      const categories = tree.categories?.[node];
      if (categories === undefined) {
        this.#addNode(entry(feature, node), entry(threshold, node), LESS_THAN, missingLeft, toLeft, toRight);
      } else {
        this.#addNode(entry(feature, node), 0, MEMBER, !missingLeft, toRight, toLeft);
        this.#members.push(...categories.map(checkCategory), Number.NaN);
      }
    }
  }

  attributes(tensor: typeof floatTensor): Attributes {
    const nodes = [this.#modes.length];
    return {
      aggregate_function: 1,
      leaf_targetids: this.#weights.map(() => 0),
      leaf_weights: tensor(this.#weights, [this.#weights.length]),
      membership_values: this.#members.length > 0 ? tensor(this.#members, [this.#members.length]) : undefined,
      n_targets: 1,
      nodes_falseleafs: this.#onFalse.map(({ isLeaf }) => Number(isLeaf)),
      nodes_falsenodeids: this.#onFalse.map(({ id }) => id),
      nodes_featureids: this.#features,
      nodes_missing_value_tracks_true: this.#missingToTrue.map(Number),
      nodes_modes: uint8Tensor(this.#modes, nodes),
      nodes_splits: tensor(this.#splits, nodes),
      nodes_trueleafs: this.#onTrue.map(({ isLeaf }) => Number(isLeaf)),
      nodes_truenodeids: this.#onTrue.map(({ id }) => id),
      post_transform: 0,
      tree_roots: this.#roots,
    };
  }

  #addNode(
    feature: number,
    split: number,
    mode: number,
    missingToTrue: boolean,
    onTrue: Target,
    onFalse: Target,
  ): void {
    this.#features.push(feature);
    this.#splits.push(split);
    this.#modes.push(mode);
    this.#missingToTrue.push(missingToTrue);
    this.#onTrue.push(onTrue);
    this.#onFalse.push(onFalse);
  }

  /** The place of each of a tree's nodes in the arrays. */
  #numberNodes({ left, right }: TreeNodes): Target[] {
    let inner = this.#modes.length;
    let leaves = this.#weights.length;
    const targets = Array.from(
      left,
      (child): Target => (child === -1 ? { id: leaves++, isLeaf: true } : { id: inner++, isLeaf: false }),
    );
    // onnxruntime takes a root for a lone leaf where its branches have the same number, be they leaf and
    // node (onnxruntime issue 24679): an unused leaf in front moves the numbers apart.
    const onLeft = entry(targets, entry(left, 0));
    const onRight = entry(targets, entry(right, 0));
    if (onLeft.id === onRight.id) {
      this.#weights.push(0);
      return targets.map(({ id, isLeaf }) => ({ id: isLeaf ? id + 1 : id, isLeaf }));
    }
    return targets;
  }
}

function checkCategory(code: number): number {
  if (Number.isInteger(code) && code >= 0 && code <= HIGHEST_CATEGORY) return code;
  throw new RangeError(`category ${code} is not a whole number from 0 to ${HIGHEST_CATEGORY}`);
}

function entry<T>(list: ArrayLike<T>, index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`the tree has no node ${index}`);
  return found;
}
