import type { Attributes } from "./attributes.ts";
import { createFloatTensor, createUint8Tensor } from "./tensor.ts";
import type { RegressionTree } from "./tree-ensemble.ts";

/** Node modes of the operator: `value < split`, and `value is one of the members`. */
const LESS_THAN = 1;
const MEMBER = 6;
/**
 * onnxruntime 1.30 stores a set of categories as the bits of one float32. Higher codes give wrong results.
 */
export const MAX_CATEGORY = 30;

/** The node that a branch leads to. Inner nodes and leaves are numbered separately. */
interface BranchTarget {
  readonly id: number;
  readonly isLeaf: boolean;
}

/** Collects trees in the parallel arrays of the operator TreeEnsemble (ai.onnx.ml 5), one after another. */
export class TreeEnsembleLayout {
  readonly #roots: number[] = [];
  readonly #features: number[] = [];
  readonly #splits: number[] = [];
  readonly #modes: number[] = [];
  readonly #missingToTrue: boolean[] = [];
  readonly #trueTargets: BranchTarget[] = [];
  readonly #falseTargets: BranchTarget[] = [];
  readonly #members: number[] = [];
  readonly #weights: number[] = [];

  /** Adds a tree without splits. The operator requires a node whose branches lead to the same leaf. */
  addLeaf(value: number): void {
    const leaf = { id: this.#weights.length, isLeaf: true };
    this.#weights.push(value);
    this.#roots.push(this.#modes.length);
    this.#addNode(0, 0, LESS_THAN, false, leaf, leaf);
  }

  /** @throws RangeError if the tree refers to a node that it does not have, or to an unsupported category */
  addTree(tree: RegressionTree): void {
    const { left, right, feature, threshold, defaultLeft, value } = tree;
    if (left[0] === -1) {
      this.addLeaf(entryAt(value, 0));
      return;
    }
    const targets = this.#numberNodes(tree);
    this.#roots.push(this.#modes.length);
    for (let node = 0; node < left.length; node++) {
      if (left[node] === -1) {
        this.#weights.push(entryAt(value, node));
        continue;
      }
      const leftTarget = entryAt(targets, entryAt(left, node));
      const rightTarget = entryAt(targets, entryAt(right, node));
      const missingLeft = entryAt(defaultLeft, node) === 1;
      const column = entryAt(feature, node);
      const categories = tree.categories?.[node];
      if (categories === undefined) {
        this.#addNode(column, entryAt(threshold, node), LESS_THAN, missingLeft, leftTarget, rightTarget);
      } else {
        this.#addNode(column, 0, MEMBER, !missingLeft, rightTarget, leftTarget);
        // NaN ends the list of a node's members.
        this.#members.push(...categories.map(checkCategory), Number.NaN);
      }
    }
  }

  toAttributes(): Attributes {
    const nodes = [this.#modes.length];
    return {
      aggregate_function: 1,
      leaf_targetids: this.#weights.map(() => 0),
      leaf_weights: createFloatTensor(this.#weights, [this.#weights.length]),
      membership_values:
        this.#members.length > 0 ? createFloatTensor(this.#members, [this.#members.length]) : undefined,
      n_targets: 1,
      nodes_falseleafs: this.#falseTargets.map(({ isLeaf }) => Number(isLeaf)),
      nodes_falsenodeids: this.#falseTargets.map(({ id }) => id),
      nodes_featureids: this.#features,
      nodes_missing_value_tracks_true: this.#missingToTrue.map(Number),
      nodes_modes: createUint8Tensor(this.#modes, nodes),
      nodes_splits: createFloatTensor(this.#splits, nodes),
      nodes_trueleafs: this.#trueTargets.map(({ isLeaf }) => Number(isLeaf)),
      nodes_truenodeids: this.#trueTargets.map(({ id }) => id),
      post_transform: 0,
      tree_roots: this.#roots,
    };
  }

  #addNode(
    feature: number,
    split: number,
    mode: number,
    missingToTrue: boolean,
    trueTarget: BranchTarget,
    falseTarget: BranchTarget,
  ): void {
    this.#features.push(feature);
    this.#splits.push(split);
    this.#modes.push(mode);
    this.#missingToTrue.push(missingToTrue);
    this.#trueTargets.push(trueTarget);
    this.#falseTargets.push(falseTarget);
  }

  /** Gives each node of a tree its index in the arrays. */
  #numberNodes({ left, right }: RegressionTree): BranchTarget[] {
    let nextNode = this.#modes.length;
    let nextLeaf = this.#weights.length;
    const targets = Array.from(
      left,
      (child): BranchTarget =>
        child === -1 ? { id: nextLeaf++, isLeaf: true } : { id: nextNode++, isLeaf: false },
    );
    // onnxruntime mistakes a root for a single leaf if its two branches have the same number, even if one
    // leads to a leaf and the other to a node (onnxruntime issue 24679). An unused leaf before the tree's
    // own leaves makes the numbers different.
    const leftTarget = entryAt(targets, entryAt(left, 0));
    const rightTarget = entryAt(targets, entryAt(right, 0));
    if (leftTarget.id === rightTarget.id) {
      this.#weights.push(0);
      return targets.map(({ id, isLeaf }) => ({ id: isLeaf ? id + 1 : id, isLeaf }));
    }
    return targets;
  }
}

function checkCategory(code: number): number {
  if (Number.isInteger(code) && code >= 0 && code <= MAX_CATEGORY) return code;
  throw new RangeError(`category ${code} must be an integer from 0 to ${MAX_CATEGORY}`);
}

function entryAt<T>(list: ArrayLike<T>, index: number): T {
  const entry = list[index];
  if (entry === undefined) throw new RangeError(`the tree has no node ${index}`);
  return entry;
}
