import { median } from "../../../src/lib/statistics.ts";
import type { PriceModel } from "../../../training/models/model.ts";

/** A third model, which only the tests know: every stone costs the median price. */
export const medianPrice: PriceModel = {
  name: "median-price",
  hyperparameters: {},
  featureNames: ["carat"],
  features: (graph, stone) => graph.unsqueeze(stone.carat, 1),
  async fit({ prices }) {
    const price = median(prices);
    return {
      price: (graph, features) =>
        graph.add(graph.mul(graph.squeeze(features, 1), graph.float(0)), graph.float(price)),
      predict: (features) => new Float32Array(features.rows).fill(price),
    };
  },
};
