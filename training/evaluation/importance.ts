import { type PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { randomAt } from "../boosting/random.ts";
import { createModel } from "../onnx/runtime.ts";
import { stoneTensors } from "../onnx/stone-tensors.ts";

/**
 * Permutation importance: by how many dollars the test MAE grows when one column's values are shuffled
 * among the stones, so that the model knows everything but that column. (Breiman 2001, section 10.)
 * @param prices the model's price of each stone as it is
 */
export async function permutationImportance(
  bytes: Uint8Array,
  stones: readonly PricedStone[],
  prices: Float32Array,
  seed: number,
): Promise<Record<string, number>> {
  const tensors = stoneTensors(stones);
  const model = await createModel(bytes);
  try {
    const mae = (predicted: ArrayLike<number>) =>
      stones.reduce((sum, stone, row) => sum + Math.abs(predicted[row]! - stone.price), 0) / stones.length;
    const base = mae(prices);
    const order = shuffled(stones.length, seed);
    const importance: Record<string, number> = {};
    for (const column of STONE_COLUMNS) {
      const values = tensors[column]!;
      const permuted =
        values instanceof Float32Array
          ? Float32Array.from(order, (row) => values[row]!)
          : order.map((row) => values[row]!);
      const { price } = await model.run({ ...tensors, [column]: permuted });
      importance[column] = mae(price!.data) - base;
    }
    return importance;
  } finally {
    await model.release();
  }
}

/** The numbers 0 to count - 1 in an order that depends on the seed (Fisher and Yates). */
function shuffled(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = randomAt(seed, i) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
