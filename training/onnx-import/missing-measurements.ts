import { MEASUREMENTS, type PricedStone } from "../../src/domain/diamond.ts";
import { median } from "../../src/lib/statistics.ts";
import { predictPrices } from "../onnx/predict-prices.ts";

/** Stones that the two ways are compared on. */
const MAX_STONES = 500;
/** A model that was trained on missing measurements is not this much worse than our completion. */
const MAX_ERROR_RATIO = 2;

/**
 * Returns whether a model that has prices for stones without measurements is better with our completion in
 * front. A tree sends a missing number to one side, whatever it was trained on: a stone without measurements
 * can then get the price of the largest stones.
 * @param own the model as it is
 * @param completed the same model with our completion in front
 */
export async function needsCompletion(
  own: Uint8Array,
  completed: Uint8Array,
  trainingStones: readonly PricedStone[],
): Promise<boolean> {
  const step = Math.max(1, Math.floor(trainingStones.length / MAX_STONES));
  const stones = trainingStones.filter((_, row) => row % step === 0).slice(0, MAX_STONES);
  if (stones.length === 0) return false;
  for (const missing of [MEASUREMENTS, ...MEASUREMENTS.map((name) => [name])]) {
    const incomplete = stones.map((stone) => ({
      ...stone,
      ...Object.fromEntries(missing.map((name) => [name, undefined])),
    }));
    const ownError = computeMedianError(await predictPrices(own, incomplete), stones);
    const completedError = computeMedianError(await predictPrices(completed, incomplete), stones);
    if (ownError > MAX_ERROR_RATIO * completedError) return true;
  }
  return false;
}

/** Computes the median of the errors relative to the price. */
function computeMedianError(prices: Float32Array, stones: readonly PricedStone[]): number {
  return median(stones.map(({ price }, row) => Math.abs(prices[row]! - price) / price));
}
