import { type PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { randomUint32 } from "../boosting/random.ts";
import { loadModel } from "../onnx/runtime.ts";
import { toStoneTensors } from "../onnx/stone-tensors.ts";

/**
 * Computes the permutation importance of each column: the increase of the test MAE in US dollars if the
 * values of the column are shuffled among the stones (Breiman 2001, section 10).
 * @param prices the model's price of each stone, without shuffling
 */
export async function computePermutationImportance(
  bytes: Uint8Array,
  stones: readonly PricedStone[],
  prices: Float32Array,
  seed: number,
): Promise<Record<string, number>> {
  const tensors = toStoneTensors(stones);
  const model = await loadModel(bytes);
  try {
    const computeMae = (predicted: ArrayLike<number>) =>
      stones.reduce((sum, stone, row) => sum + Math.abs(predicted[row]! - stone.price), 0) / stones.length;
    const baseMae = computeMae(prices);
    const order = shuffleIndices(stones.length, seed);
    const importance: Record<string, number> = {};
    for (const column of STONE_COLUMNS) {
      const values = tensors[column]!;
      const shuffled =
        values instanceof Float32Array
          ? Float32Array.from(order, (row) => values[row]!)
          : order.map((row) => values[row]!);
      const { price } = await model.run({ ...tensors, [column]: shuffled });
      importance[column] = computeMae(price!.data) - baseMae;
    }
    return importance;
  } finally {
    await model.release();
  }
}

/** Returns the numbers 0 to count - 1 in a seeded random order (Fisher-Yates shuffle). */
function shuffleIndices(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = randomUint32(seed, i) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
