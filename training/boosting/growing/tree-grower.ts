import { BINS_PER_FEATURE } from "../binning/bins.ts";
import type { Tree } from "../ensemble.ts";
import { addHistogram } from "../histogram/histogram.ts";
import { chooseGradientScale } from "../histogram/packed-gradients.ts";
import type { BoostingParameters } from "../parameters.ts";
import { randomUint32, sampleIndices } from "../random.ts";
import type { ThreadPool } from "../threads/thread-pool.ts";
import { getBinRange, ROUND_VALUES, type Workspace } from "../workspace.ts";
import { type NodeSplit, SplitSearch } from "./split-search.ts";

/** XGBoost's `kRtEps`: a split must gain more than this. */
const MIN_GAIN = 1e-6;

/** Grows one tree after the other. Each tree grows level by level, as in XGBoost's `depthwise` policy. */
export class TreeGrower {
  private readonly workspace: Workspace;
  private readonly threadPool: ThreadPool;
  private readonly parameters: BoostingParameters;
  private readonly search: SplitSearch;
  private readonly eta: number;
  // Values of the current tree's nodes, in addition to the arrays of `workspace.currentTree`:
  /** Sum of the packed gradients of each node. */
  private readonly sums: Float64Array;
  private readonly threshold: Float32Array;
  private readonly missingLeft: Uint8Array;
  private readonly gain: Float32Array;
  private nodeCount = 0;
  /** Number of histograms in use. */
  private slotCount = 0;

  constructor(workspace: Workspace, threadPool: ThreadPool, parameters: BoostingParameters) {
    this.workspace = workspace;
    this.threadPool = threadPool;
    this.parameters = parameters;
    this.eta = Math.fround(parameters.eta);
    this.search = new SplitSearch({
      lambda: parameters.lambda,
      alpha: parameters.alpha,
      minChildWeight: parameters.minChildWeight,
      hasMissing: workspace.binTable.hasMissing,
      packing: workspace.packing,
    });
    const size = workspace.currentTree.leftChild.length;
    this.sums = new Float64Array(size);
    this.threshold = new Float32Array(size);
    this.missingLeft = new Uint8Array(size);
    this.gain = new Float32Array(size);
  }

  /** Computes the gradients of the first round. All predictions are the base score then. */
  prepareFirstRound(): void {
    this.finishTree([], 0);
  }

  /** Grows the tree of a round and adds its leaf values to the workspace's predictions. */
  growTree(round: number): Tree {
    const { currentTree, rootSums } = this.workspace;
    const { maxDepth } = this.parameters;
    this.startTree(round);
    this.addNode(sum(rootSums));
    this.mergeHistograms(0);
    const earlyLeaves: number[] = [];
    let level = [0];
    for (let depth = 0; level.length > 0; depth++) {
      const splitNodes: number[] = [];
      for (const node of level) {
        (depth < maxDepth && this.trySplit(node) ? splitNodes : earlyLeaves).push(node);
      }
      const isLastLevel = depth + 1 === maxDepth;
      this.queueNodes(splitNodes);
      if (splitNodes.length > 0) this.threadPool.run(isLastLevel ? "splitLastLevel" : "splitNodes");
      if (isLastLevel) break;
      for (const node of splitNodes) this.completeHistograms(node);
      level = splitNodes.flatMap((node) => [currentTree.leftChild[node]!, currentTree.leftChild[node]! + 1]);
    }
    for (let node = 0; node < this.nodeCount; node++) {
      if (currentTree.leftChild[node] === 0) this.setLeafValue(node);
    }
    this.finishTree(earlyLeaves, round + 1);
    return this.copyTree();
  }

  private startTree(round: number): void {
    const { currentTree, packing, blockGradientSums, featureCount, binTable } = this.workspace;
    const { features, firstBin, lastBin } = currentTree;
    const scale = chooseGradientScale(packing, sum(blockGradientSums));
    const seed = randomUint32(this.parameters.seed, round);
    currentTree.round[ROUND_VALUES.gradientScale] = scale;
    currentTree.round[ROUND_VALUES.samplingSeed] = seed;
    // Features are drawn with the inverted seed, so that their numbers differ from those of the rows.
    features.set(sampleIndices(featureCount, features.length, ~seed));
    features.forEach((feature, k) => {
      firstBin[k] = 0;
      lastBin[k] = binTable.binCounts[feature]! - 1;
    });
    currentTree.histogramSlot[0] = 0;
    this.search.setGradientScale(scale);
    this.nodeCount = 0;
    this.slotCount = 1;
    this.threadPool.run("startTree");
  }

  /**
   * Adds the current tree to the predictions and computes the gradients of the next round.
   * @param earlyLeaves the leaves above the last level
   */
  private finishTree(earlyLeaves: readonly number[], nextRound: number): void {
    const { huber } = this.parameters;
    const usesHuberLoss = huber !== null && nextRound >= huber.after;
    this.workspace.currentTree.round[ROUND_VALUES.huberDelta] = usesHuberLoss
      ? huber.delta
      : Number.POSITIVE_INFINITY;
    this.queueNodes(earlyLeaves);
    this.threadPool.run("finishTree");
  }

  private addNode(packedSum: number): number {
    const node = this.nodeCount++;
    this.sums[node] = packedSum;
    this.workspace.currentTree.leftChild[node] = 0;
    return node;
  }

  /** Splits a node if a split has enough gain, and adds its children. Returns whether it did. */
  private trySplit(node: number): boolean {
    const { currentTree, histograms, binTable } = this.workspace;
    const histogram = histograms[0]![currentTree.histogramSlot[node]!]!;
    const range = getBinRange(currentTree, node);
    const split = this.search.findBestSplit(histogram, currentTree.features, this.sums[node]!, range);
    if (split.feature < 0 || split.gain <= MIN_GAIN || split.gain < this.parameters.gamma) return false;
    this.threshold[node] =
      split.bin < 0
        ? binTable.lowerBounds[split.feature]!
        : binTable.upperBounds[split.feature * BINS_PER_FEATURE + split.bin]!;
    this.missingLeft[node] = split.missingLeft ? 1 : 0;
    this.gain[node] = split.gain;
    currentTree.feature[node] = split.feature;
    currentTree.shift[node] = split.missingLeft ? 1 : 0;
    currentTree.limit[node] = split.bin + 1 + (split.missingLeft ? 1 : 0);
    this.addChildren(node, split);
    return true;
  }

  private addChildren(node: number, { leftSum }: NodeSplit): void {
    const { leftChild, smallerChild, histogramSlot } = this.workspace.currentTree;
    const rightSum = this.sums[node]! - leftSum;
    const child = this.addNode(leftSum);
    this.addNode(rightSum);
    leftChild[node] = child;
    this.copyBinRange(node, child);
    const leftIsSmaller = this.search.computeHessian(leftSum) <= this.search.computeHessian(rightSum);
    const smaller = leftIsSmaller ? child : child + 1;
    const larger = leftIsSmaller ? child + 1 : child;
    smallerChild[node] = smaller;
    histogramSlot[smaller] = this.slotCount++;
    histogramSlot[larger] = histogramSlot[node]!;
  }

  /** Copies the bin range of a node to its children. Their rows are in the same bins or fewer. */
  private copyBinRange(node: number, child: number): void {
    const { firstBin, lastBin, features } = this.workspace.currentTree;
    const width = features.length;
    for (const bins of [firstBin, lastBin]) {
      bins.copyWithin(child * width, node * width, (node + 1) * width);
      bins.copyWithin((child + 1) * width, node * width, (node + 1) * width);
    }
  }

  private queueNodes(nodes: readonly number[]): void {
    const { nodeQueue } = this.workspace.currentTree;
    nodeQueue[0] = nodes.length;
    nodeQueue.set(nodes, 1);
  }

  /**
   * Completes the histograms of a split node's children. The threads have built the histogram of the smaller
   * child. It is subtracted from the parent's histogram, which becomes the histogram of the larger child.
   */
  private completeHistograms(node: number): void {
    const { currentTree, histograms, binTable } = this.workspace;
    const { smallerChild, histogramSlot, features } = currentTree;
    const smaller = smallerChild[node]!;
    this.mergeHistograms(smaller);
    const parentHistogram = histograms[0]![histogramSlot[node]!]!;
    const childHistogram = histograms[0]![histogramSlot[smaller]!]!;
    const range = getBinRange(currentTree, node);
    addHistogram(parentHistogram, childHistogram, -1, range, features, binTable.hasMissing);
  }

  /** Adds the other threads' histograms of a node to that of thread 0. */
  private mergeHistograms(node: number): void {
    const { currentTree, histograms, binTable, threadCount } = this.workspace;
    const slot = currentTree.histogramSlot[node]!;
    const range = getBinRange(currentTree, node);
    for (let thread = 1; thread < threadCount; thread++) {
      const [total, part] = [histograms[0]![slot]!, histograms[thread]![slot]!];
      addHistogram(total, part, 1, range, currentTree.features, binTable.hasMissing);
    }
  }

  private setLeafValue(node: number): void {
    this.workspace.currentTree.value[node] = this.search.computeWeight(this.sums[node]!) * this.eta;
  }

  /** Copies the current tree out of the shared memory, which the next tree overwrites. */
  private copyTree(): Tree {
    const { nodeCount } = this;
    const { currentTree } = this.workspace;
    const tree: Tree = {
      feature: currentTree.feature.slice(0, nodeCount),
      threshold: this.threshold.slice(0, nodeCount),
      left: currentTree.leftChild.slice(0, nodeCount),
      right: new Int32Array(nodeCount),
      defaultLeft: this.missingLeft.slice(0, nodeCount),
      value: currentTree.value.slice(0, nodeCount),
      gain: this.gain.slice(0, nodeCount),
      cover: new Float32Array(nodeCount),
    };
    for (let node = 0; node < nodeCount; node++) {
      const child = tree.left[node]!;
      tree.cover[node] = this.search.computeHessian(this.sums[node]!);
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
