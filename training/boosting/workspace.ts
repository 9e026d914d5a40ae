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
  /** The bin of each row and feature: row-major for histograms, column-major for splits. */
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

/** The tree that is being grown. An array has one entry for each node, unless its comment says otherwise. */
export interface CurrentTree {
  /** The values of the current round. `ROUND_VALUES` has their indices. */
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
  /** The index of the node's histogram in `histograms[thread]`. */
  readonly histogramSlot: Int32Array;
  /** The bins that the node's rows can be in: `features.length` entries for each node. */
  readonly firstBin: Int16Array;
  readonly lastBin: Int16Array;
  /** `[count, node, node...]`: the nodes that the next command works on. */
  readonly nodeQueue: Int32Array;
}

/** Indices of `CurrentTree.round`. */
export const ROUND_VALUES = {
  /** Number of integer units in a gradient of 1. */
  gradientScale: 0,
  samplingSeed: 1,
  /** Delta of Huber's loss in the next round; infinite for squared error. */
  huberDelta: 2,
} as const;

/**
 * Number of rows whose gradients are summed together. It is fixed, so the sum does not depend on the number
 * of threads.
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
  const allocateBuffer = (byteLength: number) =>
    threadCount > 1 ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength);
  const allocateInt16 = (length: number) => new Int16Array(allocateBuffer(2 * length));
  const allocateInt32 = (length: number) => new Int32Array(allocateBuffer(4 * length));
  const allocateFloat32 = (length: number) => new Float32Array(allocateBuffer(4 * length));
  const allocateFloat64 = (length: number) => new Float64Array(allocateBuffer(8 * length));
  const copyToShared = (values: Float32Array) => {
    if (threadCount === 1) return values;
    const copy = allocateFloat32(values.length);
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
      upperBounds: allocateFloat32(BINS_PER_FEATURE * featureCount),
      binCounts: allocateInt32(featureCount),
      lowerBounds: allocateFloat32(featureCount),
      hasMissing: new Uint8Array(allocateBuffer(featureCount)),
    },
    binsByRow: new Uint8Array(allocateBuffer(rowCount * featureCount)),
    binsByColumn: new Uint8Array(allocateBuffer(rowCount * featureCount)),
    targets: copyToShared(y),
    weights: huber === null ? sampleWeights && copyToShared(sampleWeights) : allocateFloat32(rowCount),
    usesHuberLoss: huber !== null,
    sampleWeights: huber && sampleWeights && copyToShared(sampleWeights),
    predictions: allocateFloat32(rowCount),
    packed: allocateFloat64(rowCount),
    leafOfRow: new Uint16Array(allocateBuffer(2 * rowCount)),
    blockGradientSums: allocateFloat64(Math.ceil(rowCount / BLOCK_ROWS)),
    rootSums: allocateFloat64(threadCount),
    histograms: Array.from({ length: threadCount }, () => {
      const buffer = allocateBuffer(slots * slotBytes);
      return Array.from(
        { length: slots },
        (_, slot) => new Float64Array(buffer, slot * slotBytes, BINS_PER_FEATURE * featuresPerTree),
      );
    }),
    currentTree: {
      round: allocateFloat64(Object.keys(ROUND_VALUES).length),
      features: allocateInt32(featuresPerTree),
      feature: allocateInt32(nodes),
      shift: new Uint8Array(allocateBuffer(nodes)),
      limit: allocateInt32(nodes),
      leftChild: allocateInt32(nodes),
      value: allocateFloat32(nodes),
      smallerChild: allocateInt32(nodes),
      histogramSlot: allocateInt32(nodes),
      firstBin: allocateInt16(nodes * featuresPerTree),
      lastBin: allocateInt16(nodes * featuresPerTree),
      nodeQueue: allocateInt32(nodes + 1),
    },
  };
}

/** Returns the bin range of a node of the current tree. */
export function getBinRange({ firstBin, lastBin, features }: CurrentTree, node: number): BinRange {
  return { first: firstBin, last: lastBin, offset: node * features.length };
}
