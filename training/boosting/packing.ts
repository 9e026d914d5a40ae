/**
 * How a row's gradient and hessian lie in one float64: `gradient * shift + hessian`, both exact integers.
 * One addition sums both, and as integers below 2^53 are exact the sum is the same in any order: on one thread
 * or on several, forward or by subtraction.
 */
export interface Packing {
  /** A power of two above the sum of all hessians. */
  readonly shift: number;
  /** Hessian units in 1: 1 where rows are not weighted, and a row's hessian is then 1. */
  readonly hessianScale: number;
  /** Largest sum of absolute gradients, in gradient units. */
  readonly gradientLimit: number;
}

/** Bits of the hessian where rows are weighted: about half of the 53. */
const WEIGHT_BITS = 26;

/** @param totalWeight the sum of the rows' weights, or null where they are not weighted */
export function packingFor(rows: number, totalWeight: number | null): Packing {
  // The sum of n roundings is off by up to n / 2: one more bit takes it.
  const bits = totalWeight === null ? Math.ceil(Math.log2(rows + 1)) : WEIGHT_BITS + 1;
  const hessianScale = totalWeight === null ? 1 : powerOfTwoBelow(2 ** WEIGHT_BITS / totalWeight);
  return { shift: 2 ** bits, hessianScale, gradientLimit: 2 ** (52 - bits) };
}

/** Gradient units in 1 for gradients whose absolute values sum to `absoluteSum`: a power of two, so exact. */
export function gradientScale({ gradientLimit }: Packing, absoluteSum: number): number {
  return absoluteSum > 0 ? powerOfTwoBelow(gradientLimit / absoluteSum) : 1;
}

function powerOfTwoBelow(value: number): number {
  // Far outside, a scale's inverse would leave the range of float64.
  return 2 ** Math.max(-900, Math.min(900, Math.floor(Math.log2(value))));
}
