import { weightedMedian } from "../../src/lib/statistics.ts";
import type { Graph, GraphValue } from "../onnx/graph.ts";

/** The quantity that trees are fitted on, with the conversions between it and a price. */
export interface PriceTarget {
  /** Computes the target from a price in US dollars and a weight in carats. */
  fromPrice(price: number, carat: number): number;
  /** Computes the price in US dollars from a predicted target. */
  toPrice(predicted: number, carat: number): number;
  /** Adds the nodes that do the same as `toPrice`; all values are float [N]. */
  addToPrice(graph: Graph, predicted: GraphValue, carat: GraphValue): GraphValue;
  /**
   * Computes the constant that is added to every predicted target. It minimizes the mean absolute error in
   * dollars on the training rows. Trees that are fitted on another target than the price minimize the error
   * of that target instead.
   */
  computeCorrection?(prices: ArrayLike<number>, predictedPrices: ArrayLike<number>): number;
}

export const PRICE_TARGETS = {
  price: {
    fromPrice: (price) => price,
    toPrice: (predicted) => predicted,
    addToPrice: (_, predicted) => predicted,
  },
  /**
   * Errors count relative to the price, and the trees need not learn that the price grows with the weight.
   */
  "log price per carat": {
    fromPrice: (price, carat) => Math.log(price / carat),
    toPrice: (predicted, carat) => Math.exp(predicted) * carat,
    addToPrice: (graph, predicted, carat) => graph.mul(graph.exp(predicted), carat),
    computeCorrection: (prices, predictedPrices) => {
      const ratios = Float64Array.from(prices, (price, row) => price / predictedPrices[row]!);
      return Math.log(weightedMedian(ratios, predictedPrices));
    },
  },
} as const satisfies Record<string, PriceTarget>;
