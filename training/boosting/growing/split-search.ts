import { BINS_PER_FEATURE, MISSING_BIN } from "../binning/bins.ts";
import type { BinRange } from "../histogram/histogram.ts";
import { type Packing, unpackGradient, unpackHessian } from "../histogram/packed-gradients.ts";
import { computeLeafScore, computeLeafWeight, type Regularization } from "./leaf-score.ts";

/** A split of a node's rows into two children. */
export interface NodeSplit {
  gain: number;
  /** -1 if no split has a gain. */
  feature: number;
  /** The last bin of the left child; -1 if only missing values go left. */
  bin: number;
  missingLeft: boolean;
  /** Sum of the packed gradients of the left child. */
  leftSum: number;
}

export interface SplitSearchOptions extends Regularization {
  readonly minChildWeight: number;
  /** 1 for each feature that has missing values. */
  readonly hasMissing: Uint8Array;
  readonly packing: Packing;
}

/** Finds the best splits of nodes from their histograms. */
export class SplitSearch {
  private readonly options: SplitSearchOptions;
  private readonly best: NodeSplit = { gain: 0, feature: -1, bin: -1, missingLeft: false, leftSum: 0 };
  /** The bins of the current feature that have rows. */
  private readonly usedBins = new Int32Array(BINS_PER_FEATURE);
  private gradientScale = 1;
  /** Score of the current node as a leaf. */
  private nodeScore = 0;

  constructor(options: SplitSearchOptions) {
    this.options = options;
  }

  /** Sets the number of integer units in a gradient of 1, for the histograms of the next tree. */
  setGradientScale(scale: number): void {
    this.gradientScale = scale;
  }

  /** Computes the hessian of a node from the sum of its packed gradients. */
  computeHessian(nodeSum: number): number {
    return unpackHessian(nodeSum, this.options.packing);
  }

  /** Computes the weight of a node as a leaf from the sum of its packed gradients. */
  computeWeight(nodeSum: number): number {
    return computeLeafWeight(this.computeGradient(nodeSum), this.computeHessian(nodeSum), this.options);
  }

  private computeGradient(nodeSum: number): number {
    return unpackGradient(nodeSum, this.gradientScale, this.options.packing);
  }

  /**
   * Finds the split of the largest gain. If gains are equal, the lower feature wins, then the lower threshold
   * with missing values on the right: XGBoost's order (`EnumerateSplit`, src/tree/hist/evaluate_splits.h).
   * Also narrows the node's bin range to the bins that have rows.
   * @param nodeSum the sum of the node's packed gradients
   * @returns an object that the next call overwrites
   */
  findBestSplit(histogram: Float64Array, features: Int32Array, nodeSum: number, range: BinRange): NodeSplit {
    const { hasMissing, lambda, alpha } = this.options;
    this.best.gain = 0;
    this.best.feature = -1;
    const gradient = this.computeGradient(nodeSum);
    const hessian = this.computeHessian(nodeSum);
    this.nodeScore = computeLeafScore(gradient, hessian, lambda, alpha);
    for (let k = 0; k < features.length; k++) {
      const feature = features[k]!;
      const begin = k * BINS_PER_FEATURE;
      const usedCount = this.listUsedBins(histogram, begin, range, range.offset + k);
      if (usedCount > 0) this.scanBins(histogram, begin, 0, usedCount, 1, feature, nodeSum);
      if (hasMissing[feature] && histogram[begin + MISSING_BIN] !== 0) {
        this.scanBins(histogram, begin, usedCount - 1, -1, -1, feature, nodeSum);
      }
    }
    return this.best;
  }

  /**
   * Lists the bins of a feature that have rows, narrows the feature's range to them, and returns their
   * number. The loop has no branch: in deep nodes half of the bins are empty, and the processor would
   * mispredict often.
   */
  private listUsedBins(
    histogram: Float64Array,
    begin: number,
    { first, last }: BinRange,
    at: number,
  ): number {
    const { usedBins } = this;
    const end = last[at]!;
    let usedCount = 0;
    for (let bin = first[at]!; bin <= end; bin++) {
      usedBins[usedCount] = bin;
      usedCount = (usedCount + Number(histogram[begin + bin] !== 0)) | 0;
    }
    first[at] = usedCount > 0 ? usedBins[0]! : end + 1;
    last[at] = usedCount > 0 ? usedBins[usedCount - 1]! : end;
    return usedCount;
  }

  /**
   * Tries all splits of a feature. The scan goes from the lowest bin up with missing values on the right
   * (step 1), or from the highest bin down with missing values on the left (step -1). It sums the scanned
   * side, which has no missing values. It skips empty bins, because each gives the same split as the bin
   * before it.
   */
  private scanBins(
    histogram: Float64Array,
    begin: number,
    from: number,
    to: number,
    step: 1 | -1,
    feature: number,
    nodeSum: number,
  ): void {
    const { lambda, alpha, minChildWeight, packing } = this.options;
    const { shift, hessianScale } = packing;
    const { usedBins, gradientScale } = this;
    const inverseShift = 1 / shift;
    const nodeGradient = Math.floor(nodeSum * inverseShift);
    const nodeHessian = nodeSum - nodeGradient * shift;
    // All numbers are in the histogram's integer units. The scales are powers of two, so nothing is rounded.
    const minHessian = Math.max(minChildWeight * hessianScale, 1);
    const l2 = lambda * hessianScale;
    const boundScale = (gradientScale * gradientScale) / hessianScale;
    let bound = this.computeGainBound() * boundScale;
    let scannedSum = 0;
    for (let i = from; i !== to; i += step) {
      scannedSum += histogram[begin + usedBins[i]!]!;
      const scannedGradient = Math.floor(scannedSum * inverseShift);
      const scannedHessian = scannedSum - scannedGradient * shift;
      if (scannedHessian < minHessian) continue;
      const otherHessian = nodeHessian - scannedHessian;
      if (otherHessian < minHessian) break;
      const otherGradient = nodeGradient - scannedGradient;
      // Compares the sum of both scores with the gain bound over a common denominator. Most splits fail here,
      // and the comparison needs no division.
      const scannedL2 = scannedHessian + l2;
      const otherL2 = otherHessian + l2;
      const scores = scannedGradient * scannedGradient * otherL2 + otherGradient * otherGradient * scannedL2;
      if (scores < bound * (scannedL2 * otherL2)) continue;
      const sum =
        computeLeafScore(scannedGradient / gradientScale, scannedHessian / hessianScale, lambda, alpha) +
        computeLeafScore(otherGradient / gradientScale, otherHessian / hessianScale, lambda, alpha);
      const gain = Math.fround(Math.fround(sum) - this.nodeScore);
      if (gain > this.best.gain) {
        const split = this.best;
        split.gain = gain;
        split.feature = feature;
        split.bin = step === 1 ? usedBins[i]! : usedBins[i]! - 1;
        split.missingLeft = step === -1;
        split.leftSum = step === 1 ? scannedSum : nodeSum - scannedSum;
        bound = this.computeGainBound() * boundScale;
      }
    }
  }

  /**
   * Computes the gain bound: a split whose two scores sum to less cannot beat the best split. The scores
   * ignore alpha, which only lowers them. The factor allows for the rounding of the exact scores to float32.
   */
  private computeGainBound(): number {
    return (this.nodeScore + this.best.gain) * (1 - 2 ** -20);
  }
}
