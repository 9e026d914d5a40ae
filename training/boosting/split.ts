import { MISSING, STRIDE } from "./bins.ts";
import type { BinRange } from "./histogram.ts";
import type { Packing } from "./packing.ts";
import { leafScore, leafScoreAt, leafWeight, type Penalties } from "./regularization.ts";

/** The sums of a node, and the range that monotone constraints leave to its weight. */
export interface NodeSums {
  /** Packed sum of the node's rows. */
  readonly packed: number;
  readonly low: number;
  readonly high: number;
}

/** A way to part a node's rows. */
export interface Split {
  gain: number;
  feature: number;
  /** The last bin on the left; -1 where missing values alone go left. */
  bin: number;
  missingLeft: boolean;
  /** Packed sum of the rows on the left. */
  left: number;
}

export interface SplitRules extends Penalties {
  /** Per feature, whether it has a bin of missing values. */
  readonly hasMissing: Uint8Array;
  readonly minChildWeight: number;
  /** Per feature, or null where no feature is constrained. */
  readonly monotone: Int8Array | null;
  readonly packing: Packing;
}

/** Finds the best split of nodes, given their histograms. */
export class SplitSearch {
  private readonly rules: SplitRules;
  private readonly best: Split = { gain: 0, feature: -1, bin: -1, missingLeft: false, left: 0 };
  private readonly bins = new Int32Array(STRIDE);
  private scale = 1;
  private score = 0;

  constructor(rules: SplitRules) {
    this.rules = rules;
  }

  /** @param scale gradient units in 1, for the histograms of the coming tree */
  setGradientScale(scale: number): void {
    this.scale = scale;
  }

  gradient(packed: number): number {
    return Math.floor(packed / this.rules.packing.shift) / this.scale;
  }

  hessian(packed: number): number {
    const { shift, hessianScale } = this.rules.packing;
    return (packed - Math.floor(packed / shift) * shift) / hessianScale;
  }

  /** The weight of a node as a leaf, within its range. */
  weight({ packed, low, high }: NodeSums): number {
    return clamp(leafWeight(this.gradient(packed), this.hessian(packed), this.rules), low, high);
  }

  /**
   * The split of largest gain, feature -1 where none gains; valid until the next call. Of equal gains the lower
   * feature wins, then the lower threshold with missing values right: XGBoost's order (`EnumerateSplit`,
   * src/tree/hist/evaluate_splits.h). Narrows the node's range to the bins that have rows.
   */
  find(histogram: Float64Array, columns: Int32Array, node: NodeSums, range: BinRange): Split {
    const { hasMissing, lambda, alpha, monotone } = this.rules;
    this.best.gain = 0;
    this.best.feature = -1;
    const gradient = this.gradient(node.packed);
    const hessian = this.hessian(node.packed);
    this.score =
      monotone === null
        ? leafScore(gradient, hessian, lambda, alpha)
        : leafScoreAt(gradient, hessian, lambda, this.weight(node));
    for (let k = 0; k < columns.length; k++) {
      const feature = columns[k]!;
      const begin = k * STRIDE;
      const used = this.present(histogram, begin, range, range.offset + k);
      if (used > 0) this.scan(histogram, begin, 0, used, 1, feature, node);
      if (hasMissing[feature] && histogram[begin + MISSING] !== 0) {
        this.scan(histogram, begin, used - 1, -1, -1, feature, node);
      }
    }
    return this.best;
  }

  /**
   * Lists a feature's bins that have rows, and narrows its range to them; returns how many they are. Without a
   * branch: where half of the bins are empty, every other one would be mispredicted.
   */
  private present(histogram: Float64Array, begin: number, { first, last }: BinRange, at: number): number {
    const { bins } = this;
    const end = last[at]!;
    let used = 0;
    for (let bin = first[at]!; bin <= end; bin++) {
      bins[used] = bin;
      used = (used + Number(histogram[begin + bin] !== 0)) | 0;
    }
    first[at] = used > 0 ? bins[0]! : end + 1;
    last[at] = used > 0 ? bins[used - 1]! : end;
    return used;
  }

  /**
   * Tries a feature's splits from one end; `near` is the side that grows, without the missing values.
   * A bin without rows makes the same split as its neighbour, which was tried.
   */
  private scan(
    histogram: Float64Array,
    begin: number,
    from: number,
    to: number,
    step: 1 | -1,
    feature: number,
    node: NodeSums,
  ): void {
    const { lambda, alpha, minChildWeight, packing, monotone } = this.rules;
    const { shift, hessianScale } = packing;
    const { bins, scale } = this;
    const perShift = 1 / shift;
    const total = node.packed;
    const totalGradient = Math.floor(total * perShift);
    const totalHessian = total - totalGradient * shift;
    // In the histogram's units, which are powers of two, so that nothing is rounded.
    const leastHessian = Math.max(minChildWeight * hessianScale, 1);
    const l2 = lambda * hessianScale;
    const barUnits = (scale * scale) / hessianScale;
    let bar = this.bar() * barUnits;
    let near = 0;
    for (let i = from; i !== to; i += step) {
      near += histogram[begin + bins[i]!]!;
      const nearGradient = Math.floor(near * perShift);
      const nearHessian = near - nearGradient * shift;
      if (nearHessian < leastHessian) continue;
      const farHessian = totalHessian - nearHessian;
      if (farHessian < leastHessian) break;
      const farGradient = totalGradient - nearGradient;
      // The two scores against the bar, over a common denominator: most splits fall here, without a division.
      const nearL2 = nearHessian + l2;
      const farL2 = farHessian + l2;
      const scores = nearGradient * nearGradient * farL2 + farGradient * farGradient * nearL2;
      if (scores < bar * (nearL2 * farL2)) continue;
      const gradient = nearGradient / scale;
      const hessian = nearHessian / hessianScale;
      const sum =
        monotone === null
          ? leafScore(gradient, hessian, lambda, alpha) +
            leafScore(farGradient / scale, farHessian / hessianScale, lambda, alpha)
          : this.constrained(
              gradient,
              hessian,
              farGradient / scale,
              farHessian / hessianScale,
              monotone[feature]! * step,
              node,
            );
      const gain = Math.fround(Math.fround(sum) - this.score);
      if (gain > this.best.gain) {
        const split = this.best;
        split.gain = gain;
        split.feature = feature;
        split.bin = step === 1 ? bins[i]! : bins[i]! - 1;
        split.missingLeft = step === -1;
        split.left = step === 1 ? near : total - near;
        bar = this.bar() * barUnits;
      }
    }
  }

  /**
   * A sum of the two sides' scores, without alpha and constraints (both lower it), below which no split can beat
   * the best one: its own sum, less what rounding to float32 may add.
   */
  private bar(): number {
    return (this.score + this.best.gain) * (1 - 2 ** -20);
  }

  /** @param sign 1 where the near side's weight may not be above the far side's, -1 the other way round */
  private constrained(
    gradient: number,
    hessian: number,
    farGradient: number,
    farHessian: number,
    sign: number,
    { low, high }: NodeSums,
  ): number {
    const { lambda } = this.rules;
    const weight = clamp(leafWeight(gradient, hessian, this.rules), low, high);
    const farWeight = clamp(leafWeight(farGradient, farHessian, this.rules), low, high);
    if ((farWeight - weight) * sign < 0) return Number.NEGATIVE_INFINITY;
    return (
      leafScoreAt(gradient, hessian, lambda, weight) + leafScoreAt(farGradient, farHessian, lambda, farWeight)
    );
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
