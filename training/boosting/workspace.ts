import type { FeatureCuts } from "./bins.ts";
import { STRIDE } from "./bins.ts";
import type { BinRange } from "./histogram.ts";
import type { Matrix } from "./matrix.ts";
import { type Packing, packingFor } from "./packing.ts";
import type { BoostingParameters } from "./parameters.ts";

/**
 * The memory of a fit, which its threads share. It can be sent to a worker thread: the arrays lie on shared
 * buffers where there are several threads.
 */
export interface Workspace {
  readonly rows: number;
  readonly features: number;
  readonly threads: number;
  readonly packing: Packing;
  readonly maxBin: number;
  /** The features as they were given, until the workspace has the codes. */
  readonly values: readonly Float32Array[];
  readonly cuts: FeatureCuts;
  /** Share of rows that a tree is grown on. */
  readonly subsample: number;
  /** Bin of each row's features, row-major for histograms and column-major for partitions. */
  readonly codesByRow: Uint8Array;
  readonly codesByColumn: Uint8Array;
  readonly labels: Float32Array;
  /** What each row counts in the next tree; null where each counts 1 in all of them. */
  readonly weights: Float32Array | null;
  /** Whether they are made anew in each round, for Huber's loss, from what was given. */
  readonly reweighs: boolean;
  readonly givenWeights: Float32Array | null;
  /** Prediction so far. */
  readonly margins: Float32Array;
  /** Gradient and hessian of each row, see ./packing.ts. */
  readonly packed: Float64Array;
  /** The leaf of the newest tree in which each row fell. */
  readonly leaves: Uint16Array;
  /** Sum of absolute gradients of each block of rows. */
  readonly blockSums: Float64Array;
  /** Per thread, its rows' packed sum. */
  readonly rootSums: Float64Array;
  /** Per thread and slot, the histogram of its rows. */
  readonly histograms: readonly (readonly Float64Array[])[];
  readonly growing: GrowingTree;
}

/** The tree that grows, as far as all threads must know it: by node. */
export interface GrowingTree {
  /** `[gradientScale, sampleSeed, delta]`: delta of the coming round's loss, infinite where it is squared error. */
  readonly round: Float64Array;
  /** The features that this tree may split on, ascending. */
  readonly columns: Int32Array;
  readonly feature: Int32Array;
  /** A row goes left where `((code + shift) & 255) < limit`: a shift of 1 puts the missing code first. */
  readonly shift: Uint8Array;
  readonly limit: Int32Array;
  /** Left child, the right one follows it; 0 is a leaf. */
  readonly left: Int32Array;
  readonly value: Float32Array;
  /** Of the child whose histogram is built from rows; the other one's is its parent's without it. */
  readonly built: Int32Array;
  readonly slot: Int32Array;
  /** The bins that the node's rows can be in, `columns.length` entries a node. */
  readonly firstBin: Int16Array;
  readonly lastBin: Int16Array;
  /** `[count, node, node...]`: the nodes that the next command is about. */
  readonly todo: Int32Array;
}

/** Rows whose gradients are summed together: fixed, so that the sum does not depend on the number of threads. */
export const BLOCK = 2048;

/** @param weights one a row, or null */
export function createWorkspace(
  x: Matrix,
  y: Float32Array,
  weights: Float32Array | null,
  { maxDepth, maxBin, subsample, colsampleByTree, huber }: BoostingParameters,
  threads: number,
): Workspace {
  const { rows } = x;
  const features = x.columns.length;
  const columnsByTree = Math.max(Math.min(1, features), Math.floor(colsampleByTree * features));
  const bytes = (count: number) => (threads > 1 ? new SharedArrayBuffer(count) : new ArrayBuffer(count));
  const int16 = (length: number) => new Int16Array(bytes(2 * length));
  const int32 = (length: number) => new Int32Array(bytes(4 * length));
  const float32 = (length: number) => new Float32Array(bytes(4 * length));
  const float64 = (length: number) => new Float64Array(bytes(8 * length));
  const share = (values: Float32Array) => {
    if (threads === 1) return values;
    const copy = float32(values.length);
    copy.set(values);
    return copy;
  };
  const nodes = 2 ** (maxDepth + 1);
  // A split above the last level takes one slot more: at most one a node of the level above the leaves.
  const slots = Math.max(1, nodes / 4);
  const slotBytes = 8 * STRIDE * columnsByTree;
  return {
    ...{ rows, features, threads, maxBin, subsample },
    packing: packingFor(rows, weights?.reduce((sum, weight) => sum + weight, 0) ?? (huber && rows)),
    values: x.columns.map(share),
    cuts: {
      bounds: float32(STRIDE * features),
      bins: int32(features),
      below: float32(features),
      hasMissing: new Uint8Array(bytes(features)),
    },
    codesByRow: new Uint8Array(bytes(rows * features)),
    codesByColumn: new Uint8Array(bytes(rows * features)),
    labels: share(y),
    weights: huber === null ? weights && share(weights) : float32(rows),
    reweighs: huber !== null,
    givenWeights: huber && weights && share(weights),
    margins: float32(rows),
    packed: float64(rows),
    leaves: new Uint16Array(bytes(2 * rows)),
    blockSums: float64(Math.ceil(rows / BLOCK)),
    rootSums: float64(threads),
    histograms: Array.from({ length: threads }, () => {
      const buffer = bytes(slots * slotBytes);
      return Array.from(
        { length: slots },
        (_, slot) => new Float64Array(buffer, slot * slotBytes, STRIDE * columnsByTree),
      );
    }),
    growing: {
      round: float64(3),
      columns: int32(columnsByTree),
      feature: int32(nodes),
      shift: new Uint8Array(bytes(nodes)),
      limit: int32(nodes),
      left: int32(nodes),
      value: float32(nodes),
      built: int32(nodes),
      slot: int32(nodes),
      firstBin: int16(nodes * columnsByTree),
      lastBin: int16(nodes * columnsByTree),
      todo: int32(nodes + 1),
    },
  };
}

/** The bins of a node of the tree that grows. */
export function rangeOf({ firstBin, lastBin, columns }: GrowingTree, node: number): BinRange {
  return { first: firstBin, last: lastBin, offset: node * columns.length };
}
