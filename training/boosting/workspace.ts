import { BINS_PER_FEATURE, type BinTable } from "./binning/bins.ts";
import type { BinRange } from "./histogram/histogram.ts";
import { choosePacking, type Packing } from "./histogram/packed-gradients.ts";
import type { Matrix } from "./matrix.ts";
import type { BoostingParameters } from "./parameters.ts";

/**
 * The memory of a fit. It can be sent to a worker thread: with several threads, all arrays are on shared
 * buffers.
 */
export interface Workspace {
  readonly rowCount: number;
  readonly featureCount: number;
  readonly threadCount: number;
  readonly packing: Packing;
  readonly maxBin: number;
  /** The caller's features. Only the binning reads them. */
  readonly features: readonly Float32Array[];
  readonly binTable: BinTable;
  /** Fraction of the rows that each tree is grown on. */
  readonly subsample: number;
  /**
   * The bin of each row and feature. The row-major copy serves histograms, the column-major one serves
   * splits.
   */
  readonly binsByRow: Uint8Array;
  readonly binsByColumn: Uint8Array;
  readonly targets: Float32Array;
  /** The weight of each row in the next tree; null if every row counts 1 in all trees. */
  readonly weights: Float32Array | null;
  /** Whether `weights` are computed again in each round, for Huber's loss. */
  readonly usesHuberLoss: boolean;
  /** The caller's weights, if Huber's loss needs them in each round; else null. */
  readonly sampleWeights: Float32Array | null;
  /** The prediction of each row by the trees so far. */
  readonly predictions: Float32Array;
  /** Gradient and hessian of each row, see histogram/packed-gradients.ts. */
  readonly packed: Float64Array;
  /** The leaf of the newest tree that each row is in. */
  readonly leafOfRow: Uint16Array;
  /** Sum of the absolute gradients of each block of `BLOCK_ROWS` rows. */
  readonly blockGradientSums: Float64Array;
  /** Sum of the packed gradients of each thread's rows. */
  readonly rootSums: Float64Array;
  /** `histograms[thread][slot]`: the histogram of a thread's rows. */
  readonly histograms: readonly (readonly Float64Array[])[];
  readonly currentTree: CurrentTree;
}

/** The tree that is being grown. All arrays have one entry for each node, unless they say otherwise. */
export interface CurrentTree {
  /** Numbers of the current round, at the indices of `ROUND_VALUES`. */
  readonly round: Float64Array;
  /** The features that this tree may split on, in ascending order. */
  readonly features: Int32Array;
  readonly feature: Int32Array;
  /** The split rule, see threads/split-rows.ts. */
  readonly shift: Uint8Array;
  readonly limit: Int32Array;
  /** The left child; the right child is the next node. 0 for a leaf. */
  readonly leftChild: Int32Array;
  readonly value: Float32Array;
  /**
   * The child with the smaller hessian. Its histogram is built from rows, the other child's by subtraction.
   */
  readonly smallerChild: Int32Array;
  readonly histogramSlot: Int32Array;
  /** The bins that the node's rows can be in: `features.length` entries for each node. */
  readonly firstBin: Int16Array;
  readonly lastBin: Int16Array;
  /** `[count, node, node...]`: the nodes that the next command works on. */
  readonly nodeQueue: Int32Array;
}

/** Indices of `CurrentTree.round`. */
export const ROUND_VALUES = {
  /** A gradient of 1 in integer units. */
  gradientScale: 0,
  samplingSeed: 1,
  /** Delta of Huber's loss in the next round; infinite for squared error. */
  huberDelta: 2,
} as const;

/**
 * Rows whose gradients are summed together. It is fixed, so the sum does not depend on the number of threads.
 */
export const BLOCK_ROWS = 2048;

/** @param sampleWeights one for each row; null if every row counts 1 */
export function createWorkspace(
  x: Matrix,
  y: Float32Array,
  sampleWeights: Float32Array | null,
  { maxDepth, maxBin, subsample, colsampleByTree, huber }: BoostingParameters,
  threadCount: number,
): Workspace {
  const rowCount = x.rows;
  const featureCount = x.columns.length;
  const featuresPerTree = Math.max(Math.min(1, featureCount), Math.floor(colsampleByTree * featureCount));
  const bytes = (count: number) => (threadCount > 1 ? new SharedArrayBuffer(count) : new ArrayBuffer(count));
  const int16 = (length: number) => new Int16Array(bytes(2 * length));
  const int32 = (length: number) => new Int32Array(bytes(4 * length));
  const float32 = (length: number) => new Float32Array(bytes(4 * length));
  const float64 = (length: number) => new Float64Array(bytes(8 * length));
  const copyToShared = (values: Float32Array) => {
    if (threadCount === 1) return values;
    const copy = float32(values.length);
    copy.set(values);
    return copy;
  };
  const nodes = 2 ** (maxDepth + 1);
  // The root takes one histogram. A split takes one more, except on the last level.
  const slots = Math.max(1, nodes / 4);
  const slotBytes = 8 * BINS_PER_FEATURE * featuresPerTree;
  const totalWeight = sampleWeights?.reduce((sum, weight) => sum + weight, 0);
  return {
    ...{ rowCount, featureCount, threadCount, maxBin, subsample },
    packing: choosePacking(rowCount, totalWeight ?? (huber && rowCount)),
    features: x.columns.map(copyToShared),
    binTable: {
      upperBounds: float32(BINS_PER_FEATURE * featureCount),
      binCounts: int32(featureCount),
      lowerBounds: float32(featureCount),
      hasMissing: new Uint8Array(bytes(featureCount)),
    },
    binsByRow: new Uint8Array(bytes(rowCount * featureCount)),
    binsByColumn: new Uint8Array(bytes(rowCount * featureCount)),
    targets: copyToShared(y),
    weights: huber === null ? sampleWeights && copyToShared(sampleWeights) : float32(rowCount),
    usesHuberLoss: huber !== null,
    sampleWeights: huber && sampleWeights && copyToShared(sampleWeights),
    predictions: float32(rowCount),
    packed: float64(rowCount),
    leafOfRow: new Uint16Array(bytes(2 * rowCount)),
    blockGradientSums: float64(Math.ceil(rowCount / BLOCK_ROWS)),
    rootSums: float64(threadCount),
    histograms: Array.from({ length: threadCount }, () => {
      const buffer = bytes(slots * slotBytes);
      return Array.from(
        { length: slots },
        (_, slot) => new Float64Array(buffer, slot * slotBytes, BINS_PER_FEATURE * featuresPerTree),
      );
    }),
    currentTree: {
      round: float64(Object.keys(ROUND_VALUES).length),
      features: int32(featuresPerTree),
      feature: int32(nodes),
      shift: new Uint8Array(bytes(nodes)),
      limit: int32(nodes),
      leftChild: int32(nodes),
      value: float32(nodes),
      smallerChild: int32(nodes),
      histogramSlot: int32(nodes),
      firstBin: int16(nodes * featuresPerTree),
      lastBin: int16(nodes * featuresPerTree),
      nodeQueue: int32(nodes + 1),
    },
  };
}

/** Returns the bin range of a node of the current tree. */
export function getBinRange({ firstBin, lastBin, features }: CurrentTree, node: number): BinRange {
  return { first: firstBin, last: lastBin, offset: node * features.length };
}
