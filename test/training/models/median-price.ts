import { median } from "../../../src/lib/statistics.ts";
import type { PriceModel } from "../../../training/models/model.ts";

/** A model for tests only: the price of every stone is the median of the training prices. */
export const medianPriceModel: PriceModel = {
  name: "median-price",
  hyperparameters: {},
  featureNames: ["carat"],
  addFeatures: (graph, stone) => graph.unsqueeze(stone.carat, 1),
  async fit({ prices }) {
    const price = median(prices);
    return {
      addPrice: (graph, features) =>
        graph.add(graph.mul(graph.squeeze(features, 1), graph.floatConstant(0)), graph.floatConstant(price)),
      predict: (features) => new Float32Array(features.rows).fill(price),
    };
  },
};
