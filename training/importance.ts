import { type PricedStone, STONE_COLUMNS } from "../src/domain/diamond.ts";
import { randomAt, sampleIndices } from "./boosting/random.ts";
import { createModel } from "./onnx/runtime.ts";
import { stoneTensors } from "./stone-tensors.ts";

/** Stones that importance is measured on: enough for a figure to three digits, and quick. */
const SAMPLE = 2000;

/**
 * Permutation importance: by how many dollars the test MAE grows when one column's values are shuffled
 * among the stones, so that the model knows everything but that column. (Breiman 2001, section 10.)
 */
export async function permutationImportance(
  bytes: Uint8Array,
  stones: readonly PricedStone[],
  seed: number,
): Promise<Record<string, number>> {
  const sample = Array.from(
    sampleIndices(stones.length, Math.min(SAMPLE, stones.length), seed),
    (row) => stones[row]!,
  );
  const tensors = stoneTensors(sample);
  const model = await createModel(bytes);
  try {
    const mae = async (feeds: typeof tensors) => {
      const { price } = await model.run(feeds);
      return (
        sample.reduce((sum, stone, row) => sum + Math.abs(price!.data[row]! - stone.price), 0) / sample.length
      );
    };
    const base = await mae(tensors);
    const order = shuffled(sample.length, seed);
    const importance: Record<string, number> = {};
    for (const column of STONE_COLUMNS) {
      const values = tensors[column]!;
      const permuted =
        values instanceof Float32Array
          ? Float32Array.from(order, (row) => values[row]!)
          : order.map((row) => values[row]!);
      importance[column] = (await mae({ ...tensors, [column]: permuted })) - base;
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
