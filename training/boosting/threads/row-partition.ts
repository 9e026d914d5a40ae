import { binFeature } from "../binning/bins.ts";
import { clearHistogram } from "../histogram/histogram.ts";
import { getHistogramKernel, type HistogramKernel } from "../histogram/histogram-kernel.ts";
import { packGradients } from "../histogram/packed-gradients.ts";
import { randomUint32 } from "../random.ts";
import { BLOCK_ROWS, getBinRange, ROUND_VALUES, type Workspace } from "../workspace.ts";
import { assignLeaves, type SplitRule, splitRows } from "./split-rows.ts";
import { updateHuberWeights, updatePredictions } from "./update-rows.ts";

/** The steps of a fit that all threads run at the same time, each on its own rows or features. */
export const COMMANDS = [
  "binFeatures",
  "transposeBins",
  "startTree",
  "splitNodes",
  "splitLastLevel",
  "finishTree",
] as const;
export type Command = (typeof COMMANDS)[number];

/** The part of the rows that one thread works on, kept sorted by node. */
export class RowPartition {
  private readonly workspace: Workspace;
  private readonly thread: number;
  private readonly firstRow: number;
  private readonly endRow: number;
  /** The rows of the partition. The rows of a node are `rows[begins[node]..ends[node])`. */
  private readonly rows: Int32Array;
  private readonly begins: Int32Array;
  private readonly ends: Int32Array;
  /** Working memory of `splitRows`. */
  private readonly buffer: Int32Array;
  /** Bins of each feature, by row. */
  private readonly featureBins: readonly Uint8Array[];
  private readonly addRows: HistogramKernel;
  /** Number of rows drawn for the current tree. They come first in `rows`. */
  private sampledCount: number;

  constructor(workspace: Workspace, thread: number) {
    const { rowCount, featureCount, threadCount, currentTree, binsByColumn } = workspace;
    this.workspace = workspace;
    this.thread = thread;
    const blocks = Math.ceil(rowCount / BLOCK_ROWS);
    this.firstRow = BLOCK_ROWS * Math.floor((thread * blocks) / threadCount);
    this.endRow = Math.min(rowCount, BLOCK_ROWS * Math.floor(((thread + 1) * blocks) / threadCount));
    this.rows = new Int32Array(this.endRow - this.firstRow);
    this.buffer = new Int32Array(this.endRow - this.firstRow);
    this.sampledCount = this.endRow - this.firstRow;
    this.begins = new Int32Array(currentTree.leftChild.length);
    this.ends = new Int32Array(currentTree.leftChild.length);
    this.featureBins = Array.from({ length: featureCount }, (_, feature) =>
      binsByColumn.subarray(feature * rowCount, (feature + 1) * rowCount),
    );
    this.addRows = getHistogramKernel(currentTree.features.length, featureCount);
  }

  run(command: Command): void {
    if (command === "binFeatures") this.binFeatures();
    else if (command === "transposeBins") this.transposeBins();
    else if (command === "startTree") this.startTree();
    else if (command === "splitNodes") this.splitNodes();
    else if (command === "splitLastLevel") this.splitLastLevel();
    else this.finishTree();
  }

  /** Computes the bins of this thread's features. */
  private binFeatures(): void {
    const { featureCount, threadCount, features, maxBin, binTable } = this.workspace;
    for (let feature = this.thread; feature < featureCount; feature += threadCount) {
      binFeature(features[feature]!, maxBin, this.featureBins[feature]!, feature, binTable);
    }
  }

  /** Copies the column-major bins to the row-major ones. */
  private transposeBins(): void {
    const { featureCount, binsByRow } = this.workspace;
    this.featureBins.forEach((bins, feature) => {
      let at = this.firstRow * featureCount + feature;
      for (let row = this.firstRow; row < this.endRow; row++, at += featureCount) binsByRow[at] = bins[row]!;
    });
  }

  /** Packs the gradients, draws the rows of the tree and builds the histogram of the root. */
  private startTree(): void {
    const { rows, firstRow, endRow } = this;
    const { predictions, targets, weights, packed, packing, subsample, currentTree, rootSums } =
      this.workspace;
    const { round } = currentTree;
    const scale = round[ROUND_VALUES.gradientScale]!;
    const sum = packGradients(predictions, targets, weights, packed, firstRow, endRow, scale, packing);
    if (subsample < 1) {
      rootSums[this.thread] = this.sampleRows(round[ROUND_VALUES.samplingSeed]!, subsample);
    } else {
      for (let i = 0; i < rows.length; i++) rows[i] = firstRow + i;
      rootSums[this.thread] = sum;
    }
    this.begins[0] = 0;
    this.ends[0] = this.sampledCount;
    this.buildHistogram(0);
  }

  /** Draws rows and moves them to the front of `rows`. Returns the sum of their packed gradients. */
  private sampleRows(seed: number, fraction: number): number {
    const { rows, firstRow, endRow } = this;
    const { packed } = this.workspace;
    const threshold = fraction * 2 ** 32;
    let sampled = 0;
    let rest = rows.length;
    let sum = 0;
    for (let row = firstRow; row < endRow; row++) {
      if (randomUint32(seed, row) < threshold) {
        rows[sampled++] = row;
        sum += packed[row]!;
      } else rows[--rest] = row;
    }
    this.sampledCount = sampled;
    return sum;
  }

  private buildHistogram(node: number): void {
    const { binsByRow, packed, currentTree, binTable } = this.workspace;
    const histogram = this.workspace.histograms[this.thread]![currentTree.histogramSlot[node]!]!;
    clearHistogram(histogram, getBinRange(currentTree, node), currentTree.features, binTable.hasMissing);
    const begin = this.begins[node]!;
    const end = this.ends[node]!;
    this.addRows(this.rows, begin, end, binsByRow, currentTree.features, packed, histogram);
  }

  /** Splits the rows of the queued nodes, and builds the histogram of the smaller child of each. */
  private splitNodes(): void {
    const { nodeQueue, feature, leftChild, smallerChild } = this.workspace.currentTree;
    for (let i = 1; i <= nodeQueue[0]!; i++) {
      const node = nodeQueue[i]!;
      const begin = this.begins[node]!;
      const end = this.ends[node]!;
      const bins = this.featureBins[feature[node]!]!;
      const middle = splitRows(this.rows, begin, end, bins, this.getSplitRule(node), this.buffer);
      const child = leftChild[node]!;
      this.begins[child] = begin;
      this.ends[child] = middle;
      this.begins[child + 1] = middle;
      this.ends[child + 1] = end;
      this.buildHistogram(smallerChild[node]!);
    }
  }

  /** Assigns the rows of the queued nodes to their leaves. All children of these nodes are leaves. */
  private splitLastLevel(): void {
    const { nodeQueue, feature, leftChild } = this.workspace.currentTree;
    const { leafOfRow } = this.workspace;
    for (let i = 1; i <= nodeQueue[0]!; i++) {
      const node = nodeQueue[i]!;
      const bins = this.featureBins[feature[node]!]!;
      const [begin, end] = [this.begins[node]!, this.ends[node]!];
      assignLeaves(this.rows, begin, end, bins, this.getSplitRule(node), leftChild[node]!, leafOfRow);
    }
  }

  private getSplitRule(node: number): SplitRule {
    const { shift, limit } = this.workspace.currentTree;
    return { shift: shift[node]!, limit: limit[node]! };
  }

  /**
   * Adds the leaf values to the predictions, and sums the gradients of the next round. The queued nodes are
   * the leaves above the last level.
   */
  private finishTree(): void {
    const { leafOfRow, predictions, targets, weights, sampleWeights, currentTree } = this.workspace;
    const { nodeQueue, value, round } = currentTree;
    for (let i = 1; i <= nodeQueue[0]!; i++) {
      const node = nodeQueue[i]!;
      for (let at = this.begins[node]!; at < this.ends[node]!; at++) leafOfRow[this.rows[at]!] = node;
    }
    if (this.workspace.subsample < 1) this.assignUnsampledRows();
    for (let begin = this.firstRow; begin < this.endRow; begin += BLOCK_ROWS) {
      const end = Math.min(begin + BLOCK_ROWS, this.endRow);
      let sum = updatePredictions(predictions, targets, weights, leafOfRow, value, begin, end);
      if (this.workspace.usesHuberLoss) {
        const delta = round[ROUND_VALUES.huberDelta]!;
        sum = updateHuberWeights(predictions, targets, sampleWeights, weights!, delta, begin, end);
      }
      this.workspace.blockGradientSums[begin / BLOCK_ROWS] = sum;
    }
  }

  /** Finds the leaves of the rows that were not drawn. */
  private assignUnsampledRows(): void {
    const { binsByRow, featureCount, leafOfRow, currentTree } = this.workspace;
    const { feature, shift, limit, leftChild } = currentTree;
    for (let at = this.sampledCount; at < this.rows.length; at++) {
      const row = this.rows[at]!;
      let node = 0;
      for (let child = leftChild[0]!; child > 0; child = leftChild[node]!) {
        const bin = binsByRow[row * featureCount + feature[node]!]!;
        node = child + 1 - ((((bin + shift[node]!) & 255) - limit[node]!) >>> 31);
      }
      leafOfRow[row] = node;
    }
  }
}
