import type { Packing } from "./packing.ts";

// Plain functions over arrays: V8 compiles these loops to about half the time of the same loops over properties.

/**
 * Packs the gradient and the hessian of the squared error of each row in `[first, last)`.
 * @param scale gradient units in 1
 * @returns their sum
 */
export function packGradients(
  margins: Float32Array,
  labels: Float32Array,
  weights: Float32Array | null,
  packed: Float64Array,
  first: number,
  last: number,
  scale: number,
  { shift, hessianScale }: Packing,
): number {
  let sum = 0;
  if (weights === null) {
    for (let row = first; row < last; row++) {
      const gradient = Math.fround(margins[row]! - labels[row]!);
      const value = Math.floor(gradient * scale + 0.5) * shift + 1;
      packed[row] = value;
      sum += value;
    }
    return sum;
  }
  for (let row = first; row < last; row++) {
    const weight = weights[row]!;
    const gradient = Math.fround(margins[row]! - labels[row]!) * weight;
    const value = Math.floor(gradient * scale + 0.5) * shift + Math.floor(weight * hessianScale + 0.5);
    packed[row] = value;
    sum += value;
  }
  return sum;
}

/**
 * Weighs each row in `[first, last)` for Huber's loss: what is given (1 where nothing is), times delta over the
 * residual where that is larger.
 * @returns the sum of the absolute gradients that follow
 */
export function updateHuberWeights(
  margins: Float32Array,
  labels: Float32Array,
  given: Float32Array | null,
  weights: Float32Array,
  delta: number,
  first: number,
  last: number,
): number {
  let sum = 0;
  for (let row = first; row < last; row++) {
    const size = Math.abs(Math.fround(margins[row]! - labels[row]!));
    const weight = Math.fround((given === null ? 1 : given[row]!) * Math.min(1, delta / size));
    weights[row] = weight;
    sum += size * weight;
  }
  return sum;
}

/**
 * Adds to each row in `[first, last)` the value of its leaf.
 * @returns the sum of the absolute gradients that follow
 */
export function addLeaves(
  margins: Float32Array,
  labels: Float32Array,
  weights: Float32Array | null,
  leaves: Uint16Array,
  values: Float32Array,
  first: number,
  last: number,
): number {
  let sum = 0;
  for (let row = first; row < last; row++) {
    const margin = Math.fround(margins[row]! + values[leaves[row]!]!);
    margins[row] = margin;
    const size = Math.abs(Math.fround(margin - labels[row]!));
    sum += weights === null ? size : size * weights[row]!;
  }
  return sum;
}
