/**
 * Packed gradients: the gradient and the hessian of a row in one float64, `gradient * shift + hessian`. Both
 * are integers.
 *
 * Why: one addition sums the gradient and the hessian of a histogram's bin, so the hottest loop of a fit
 * needs half of the additions and memory accesses. Integers below 2^53 are exact in float64. The sum is
 * therefore the same in any order: on one thread or several, from rows or by subtraction of histograms.
 * How to check: test/training/boosting/histogram/histogram.test.ts (sums are exact in any order),
 * test/training/boosting/threads/thread-pool.test.ts (the same trees on 1, 2 and 3 threads), and
 * `npm run bench -- boosting` (the time of a fit).
 */

/** The units of packed gradients. */
export interface Packing {
  /** A power of two above the sum of all hessians. */
  readonly shift: number;
  /**
   * Number of integer units in a hessian of 1. It is 1 if rows have no weights: each row's hessian is then 1.
   */
  readonly hessianScale: number;
  /** Upper limit of the sum of absolute gradients, in integer units. */
  readonly gradientLimit: number;
}

/** Bits of the hessian sum if rows have weights: about half of the 53 bits of a float64. */
const WEIGHT_BITS = 26;

/** @param totalWeight the sum of the rows' weights; null if rows have no weights */
export function choosePacking(rows: number, totalWeight: number | null): Packing {
  // The rounding error of a sum of n weights is below n units. One more bit holds it, up to 67 million rows.
  const bits = totalWeight === null ? Math.ceil(Math.log2(rows + 1)) : WEIGHT_BITS + 1;
  const hessianScale = totalWeight === null ? 1 : floorToPowerOfTwo(2 ** WEIGHT_BITS / totalWeight);
  return { shift: 2 ** bits, hessianScale, gradientLimit: 2 ** (52 - bits) };
}

/**
 * Chooses the number of integer units in a gradient of 1, for gradients whose absolute values sum to
 * `absoluteSum`. It is a power of two, so scaling is exact.
 */
export function chooseGradientScale({ gradientLimit }: Packing, absoluteSum: number): number {
  return absoluteSum > 0 ? floorToPowerOfTwo(gradientLimit / absoluteSum) : 1;
}

function floorToPowerOfTwo(value: number): number {
  // Beyond 2^900 the inverse of a scale could leave the range of float64.
  return 2 ** Math.max(-900, Math.min(900, Math.floor(Math.log2(value))));
}

/**
 * Packs the gradient and the hessian of the squared error of each row in `[begin, end)`.
 * It is a plain function over arrays, because V8 makes its loops twice as fast as loops over properties.
 * @param weights the weight of each row; null if each row counts 1
 * @param gradientScale number of integer units in a gradient of 1
 * @returns the sum of the packed gradients
 */
export function packGradients(
  predictions: Float32Array,
  targets: Float32Array,
  weights: Float32Array | null,
  packed: Float64Array,
  begin: number,
  end: number,
  gradientScale: number,
  { shift, hessianScale }: Packing,
): number {
  let sum = 0;
  if (weights === null) {
    for (let row = begin; row < end; row++) {
      const gradient = Math.fround(predictions[row]! - targets[row]!);
      const value = Math.floor(gradient * gradientScale + 0.5) * shift + 1;
      packed[row] = value;
      sum += value;
    }
    return sum;
  }
  for (let row = begin; row < end; row++) {
    const weight = weights[row]!;
    const gradient = Math.fround(predictions[row]! - targets[row]!) * weight;
    // With 10 million rows, a hessian of 1 has 4 units. Without a hessian, rows with small weights make the value
    // of a leaf far too large.
    const hessian = Math.max(1, Math.floor(weight * hessianScale + 0.5));
    const value = Math.floor(gradient * gradientScale + 0.5) * shift + hessian;
    packed[row] = value;
    sum += value;
  }
  return sum;
}

/** Returns the gradient of a packed sum. */
export function unpackGradient(packed: number, gradientScale: number, { shift }: Packing): number {
  return Math.floor(packed / shift) / gradientScale;
}

/** Returns the hessian of a packed sum. */
export function unpackHessian(packed: number, { shift, hessianScale }: Packing): number {
  return (packed - Math.floor(packed / shift) * shift) / hessianScale;
}
