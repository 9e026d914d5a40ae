import type { Graph, GraphValue } from "../onnx/graph.ts";

/** What a model predicts. */
export const TARGETS = ["price", "log price", "log1p price", "log10 price"] as const;
export type Target = (typeof TARGETS)[number];

/** Adds the nodes that compute the price, float [N], from what a model predicts, float [N]. */
export function addPriceOfTarget(graph: Graph, prediction: GraphValue, target: Target): GraphValue {
  switch (target) {
    case "price":
      return prediction;
    case "log price":
      return graph.exp(prediction);
    case "log1p price":
      return graph.sub(graph.exp(prediction), graph.floatConstant(1));
    case "log10 price":
      return graph.pow(graph.floatConstant(10), prediction);
  }
}
