import type { PricedStone, Stone } from "../../src/domain/diamond.ts";
import {
  attributePrice,
  type Background,
  buildCoalitions,
  type Explanation,
  explainPrice,
} from "../../src/domain/prediction/explanation.ts";
import { roundPrice } from "../../src/domain/prediction/prediction.ts";
import { loadModel } from "../onnx/runtime.ts";

/** The quantiles of the price at which the example stones are. */
const EXAMPLE_LEVELS = [0.1, 0.5, 0.9];

/** A stone, and the reasons for the model's price. */
export interface ExplainedStone {
  readonly stone: Stone;
  /** US dollars. */
  readonly price: number;
  readonly explanation: Explanation;
}

/** Explains a model's prices of a cheap, a usual and a dear test stone. Stones without a price are left out. */
export async function explainExamples(
  bytes: Uint8Array,
  stones: readonly PricedStone[],
  background: Background,
): Promise<ExplainedStone[]> {
  const sorted = stones.toSorted((a, b) => a.price - b.price);
  const examples = new Set(EXAMPLE_LEVELS.map((level) => sorted[Math.round(level * (sorted.length - 1))]!));
  const model = await loadModel(bytes);
  try {
    const explained: ExplainedStone[] = [];
    for (const stone of examples) {
      const { price: prices } = await model.run(buildCoalitions(stone, background));
      const price = roundPrice(prices?.data.at(-1) ?? Number.NaN);
      const attribution = prices && attributePrice(prices.data);
      if (price === null || !attribution) continue;
      explained.push({ stone, price, explanation: explainPrice(stone, price, attribution) });
    }
    return explained;
  } finally {
    await model.release();
  }
}
