import { STRIDE } from "./bins.ts";
import type { Tree } from "./ensemble.ts";
import { addHistogram } from "./histogram.ts";
import { gradientScale } from "./packing.ts";
import type { BoostingParameters } from "./parameters.ts";
import { randomAt, sampleIndices } from "./random.ts";
import { type Split, SplitSearch } from "./split.ts";
import type { ThreadPool } from "./thread-pool.ts";
import { rangeOf, type Workspace } from "./workspace.ts";

/** XGBoost's `kRtEps`: a gain up to this is none. */
const LEAST_GAIN = 1e-6;

/** Grows one tree after the other, each level by level as XGBoost's `depthwise` policy does. */
export class Grower {
  private readonly space: Workspace;
  private readonly crew: ThreadPool;
  private readonly parameters: BoostingParameters;
  private readonly search: SplitSearch;
  private readonly constrained: boolean;
  private readonly eta: number;
  // Of each node of the tree that grows:
  private readonly packed: Float64Array;
  private readonly low: Float32Array;
  private readonly high: Float32Array;
  private readonly threshold: Float32Array;
  private readonly missingLeft: Uint8Array;
  private readonly gain: Float32Array;
  private nodes = 0;
  private slots = 0;

  constructor(space: Workspace, crew: ThreadPool, parameters: BoostingParameters) {
    this.space = space;
    this.crew = crew;
    this.parameters = parameters;
    this.eta = Math.fround(parameters.eta);
    this.constrained = parameters.monotone.some((sign) => sign !== 0);
    this.search = new SplitSearch({
      lambda: parameters.lambda,
      alpha: parameters.alpha,
      minChildWeight: parameters.minChildWeight,
      monotone: this.constrained ? Int8Array.from(parameters.monotone) : null,
      packing: space.packing,
      hasMissing: space.cuts.hasMissing,
    });
    const size = space.growing.left.length;
    this.packed = new Float64Array(size);
    this.low = new Float32Array(size);
    this.high = new Float32Array(size);
    this.threshold = new Float32Array(size);
    this.missingLeft = new Uint8Array(size);
    this.gain = new Float32Array(size);
  }

  /** Grows the tree of a round and adds its leaves to the workspace's margins. */
  grow(round: number): Tree {
    const { space, crew } = this;
    const { maxDepth } = this.parameters;
    this.beginTree(round);
    crew.run("begin");
    this.addNode(sum(space.rootSums), Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.gather(0);
    const early: number[] = [];
    let level = [0];
    for (let depth = 0; level.length > 0; depth++) {
      const split: number[] = [];
      for (const node of level) (depth < maxDepth && this.trySplit(node) ? split : early).push(node);
      const deepest = depth + 1 === maxDepth;
      this.order(split);
      if (split.length > 0) crew.run(deepest ? "splitLast" : "split");
      if (deepest) break;
      for (const node of split) this.completeHistograms(node);
      level = split.flatMap((node) => [space.growing.left[node]!, space.growing.left[node]! + 1]);
    }
    for (let node = 0; node < this.nodes; node++) if (space.growing.left[node] === 0) this.closeLeaf(node);
    this.finish(early, round + 1);
    return this.tree();
  }

  /** Adds the tree to the margins, none at first, and makes the gradients of the round that comes. */
  finish(early: readonly number[], next: number): void {
    const { huber } = this.parameters;
    this.space.growing.round[2] =
      huber !== null && next >= huber.after ? huber.delta : Number.POSITIVE_INFINITY;
    this.order(early);
    this.crew.run("finish");
  }

  private beginTree(round: number): void {
    const { growing, packing, blockSums, features, cuts } = this.space;
    const scale = gradientScale(packing, sum(blockSums));
    const seed = randomAt(this.parameters.seed, round);
    growing.round[0] = scale;
    growing.round[1] = seed;
    growing.columns.set(sampleIndices(features, growing.columns.length, ~seed));
    growing.columns.forEach((feature, k) => {
      growing.firstBin[k] = 0;
      growing.lastBin[k] = cuts.bins[feature]! - 1;
    });
    growing.slot[0] = 0;
    this.search.setGradientScale(scale);
    this.nodes = 0;
    this.slots = 1;
  }

  private addNode(packed: number, low: number, high: number): number {
    const node = this.nodes++;
    this.packed[node] = packed;
    this.low[node] = low;
    this.high[node] = high;
    this.space.growing.left[node] = 0;
    return node;
  }

  private sums(node: number) {
    return { packed: this.packed[node]!, low: this.low[node]!, high: this.high[node]! };
  }

  /** Splits a node where that gains, and adds its children. */
  private trySplit(node: number): boolean {
    const { growing, histograms } = this.space;
    const histogram = histograms[0]![growing.slot[node]!]!;
    const split = this.search.find(histogram, growing.columns, this.sums(node), rangeOf(growing, node));
    if (split.feature < 0 || split.gain <= LEAST_GAIN || split.gain < this.parameters.gamma) return false;
    const { bounds, below } = this.space.cuts;
    this.threshold[node] =
      split.bin < 0 ? below[split.feature]! : bounds[split.feature * STRIDE + split.bin]!;
    this.missingLeft[node] = split.missingLeft ? 1 : 0;
    this.gain[node] = split.gain;
    growing.feature[node] = split.feature;
    growing.shift[node] = split.missingLeft ? 1 : 0;
    growing.limit[node] = split.bin + 1 + (split.missingLeft ? 1 : 0);
    this.addChildren(node, split);
    return true;
  }

  private addChildren(node: number, { left, feature }: Split): void {
    const { growing } = this.space;
    const sums = this.sums(node);
    const leftSums = { ...sums, packed: left };
    const rightSums = { ...sums, packed: sums.packed - left };
    if (this.constrained) {
      const sign = this.parameters.monotone[feature]!;
      const middle = (this.search.weight(leftSums) + this.search.weight(rightSums)) / 2;
      if (sign > 0) leftSums.high = rightSums.low = middle;
      if (sign < 0) leftSums.low = rightSums.high = middle;
    }
    const child = this.addNode(leftSums.packed, leftSums.low, leftSums.high);
    this.addNode(rightSums.packed, rightSums.low, rightSums.high);
    growing.left[node] = child;
    this.passBins(node, child);
    const leftIsSmall = this.search.hessian(left) <= this.search.hessian(rightSums.packed);
    const small = leftIsSmall ? child : child + 1;
    const large = leftIsSmall ? child + 1 : child;
    growing.built[node] = small;
    growing.slot[small] = this.slots++;
    growing.slot[large] = growing.slot[node]!;
  }

  /** Children lie within their parent's bins. */
  private passBins(node: number, child: number): void {
    const { firstBin, lastBin, columns } = this.space.growing;
    const width = columns.length;
    for (const bins of [firstBin, lastBin]) {
      bins.copyWithin(child * width, node * width, (node + 1) * width);
      bins.copyWithin((child + 1) * width, node * width, (node + 1) * width);
    }
  }

  private order(nodes: readonly number[]): void {
    const { todo } = this.space.growing;
    todo[0] = nodes.length;
    todo.set(nodes, 1);
  }

  /** After a split: the small child's histogram is the sum of the threads', the large one's what is left. */
  private completeHistograms(node: number): void {
    const { growing, histograms, cuts } = this.space;
    const small = growing.built[node]!;
    this.gather(small);
    const [parent, child] = [histograms[0]![growing.slot[node]!]!, histograms[0]![growing.slot[small]!]!];
    addHistogram(parent, child, -1, rangeOf(growing, node), growing.columns, cuts.hasMissing);
  }

  /** Adds the other threads' histograms of a node to the first one's. */
  private gather(node: number): void {
    const { growing, histograms, cuts, threads } = this.space;
    const slot = growing.slot[node]!;
    for (let thread = 1; thread < threads; thread++) {
      const [sum, part] = [histograms[0]![slot]!, histograms[thread]![slot]!];
      addHistogram(sum, part, 1, rangeOf(growing, node), growing.columns, cuts.hasMissing);
    }
  }

  private closeLeaf(node: number): void {
    this.space.growing.value[node] = this.search.weight(this.sums(node)) * this.eta;
  }

  private tree(): Tree {
    const { nodes } = this;
    const { growing } = this.space;
    const tree: Tree = {
      feature: growing.feature.slice(0, nodes),
      threshold: this.threshold.slice(0, nodes),
      left: growing.left.slice(0, nodes),
      right: new Int32Array(nodes),
      defaultLeft: this.missingLeft.slice(0, nodes),
      value: growing.value.slice(0, nodes),
      gain: this.gain.slice(0, nodes),
      cover: new Float32Array(nodes),
    };
    for (let node = 0; node < nodes; node++) {
      const child = tree.left[node]!;
      tree.cover[node] = this.search.hessian(this.packed[node]!);
      tree.right[node] = child + 1;
      if (child > 0) tree.value[node] = 0;
      else {
        tree.left[node] = tree.right[node] = -1;
        tree.feature[node] = tree.threshold[node] = tree.defaultLeft[node] = tree.gain[node] = 0;
      }
    }
    return tree;
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
