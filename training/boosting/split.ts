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
      narrow(histogram, begin, range, range.offset + k);
      const first = range.first[range.offset + k]!;
      const last = range.last[range.offset + k]!;
      this.scan(histogram, begin, first, last + 1, 1, feature, node);
      if (hasMissing[feature] && histogram[begin + MISSING] !== 0) {
        this.scan(histogram, begin, last, first - 1, -1, feature, node);
      }
    }
    return this.best;
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
    const perShift = 1 / shift;
    const gradientUnit = 1 / this.scale;
    const hessianUnit = 1 / hessianScale;
    const total = node.packed;
    const totalGradient = Math.floor(total * perShift);
    const totalHessian = total - totalGradient * shift;
    let bar = this.bar();
    let near = 0;
    for (let bin = from; bin !== to; bin += step) {
      const entry = histogram[begin + bin]!;
      if (entry === 0) continue;
      near += entry;
      const units = Math.floor(near * perShift);
      const hessianUnits = near - units * shift;
      const hessian = hessianUnits * hessianUnit;
      const farHessian = (totalHessian - hessianUnits) * hessianUnit;
      if (hessian < minChildWeight || hessian === 0) continue;
      if (farHessian < minChildWeight || farHessian === 0) break;
      const gradient = units * gradientUnit;
      const farGradient = (totalGradient - units) * gradientUnit;
      // The two scores against the bar, over a common denominator: most splits fall here, without a division.
      const nearL2 = hessian + lambda;
      const farL2 = farHessian + lambda;
      if (gradient * gradient * farL2 + farGradient * farGradient * nearL2 < bar * (nearL2 * farL2)) continue;
      const sum =
        monotone === null
          ? leafScore(gradient, hessian, lambda, alpha) + leafScore(farGradient, farHessian, lambda, alpha)
          : this.constrained(gradient, hessian, farGradient, farHessian, monotone[feature]! * step, node);
      const gain = Math.fround(Math.fround(sum) - this.score);
      if (gain > this.best.gain) {
        const split = this.best;
        split.gain = gain;
        split.feature = feature;
        split.bin = step === 1 ? bin : bin - 1;
        split.missingLeft = step === -1;
        split.left = step === 1 ? near : total - near;
        bar = this.bar();
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

/** Moves a feature's range past the empty bins at both ends. */
function narrow(histogram: Float64Array, begin: number, { first, last }: BinRange, at: number): void {
  let low = first[at]!;
  let high = last[at]!;
  while (low <= high && histogram[begin + low] === 0) low++;
  while (low < high && histogram[begin + high] === 0) high--;
  first[at] = low;
  last[at] = high;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
