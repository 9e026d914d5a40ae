// These are plain functions over arrays, because V8 makes their loops twice as fast as loops over properties.

/**
 * Adds the value of its leaf to the prediction of each row in `[begin, end)`.
 * @param weights the weight of each row; null if each row counts 1
 * @returns the sum of the absolute gradients of the new predictions
 */
export function updatePredictions(
  predictions: Float32Array,
  targets: Float32Array,
  weights: Float32Array | null,
  leafOfRow: Uint16Array,
  leafValues: Float32Array,
  begin: number,
  end: number,
): number {
  let sum = 0;
  for (let row = begin; row < end; row++) {
    const prediction = Math.fround(predictions[row]! + leafValues[leafOfRow[row]!]!);
    predictions[row] = prediction;
    const residual = Math.abs(Math.fround(prediction - targets[row]!));
    sum += weights === null ? residual : residual * weights[row]!;
  }
  return sum;
}

/**
 * Computes the weights of Huber's loss for each row in `[begin, end)`: the sample weight, multiplied by
 * `delta / residual` if the residual is above delta.
 * @param sampleWeights the caller's weight of each row; null if each row counts 1
 * @returns the sum of the absolute gradients with these weights
 */
export function updateHuberWeights(
  predictions: Float32Array,
  targets: Float32Array,
  sampleWeights: Float32Array | null,
  weights: Float32Array,
  delta: number,
  begin: number,
  end: number,
): number {
  let sum = 0;
  for (let row = begin; row < end; row++) {
    const residual = Math.abs(Math.fround(predictions[row]! - targets[row]!));
    const sampleWeight = sampleWeights === null ? 1 : sampleWeights[row]!;
    const weight = Math.fround(sampleWeight * Math.min(1, delta / residual));
    weights[row] = weight;
    sum += residual * weight;
  }
  return sum;
}
