import type { Graph, GraphValue } from "../onnx/graph.ts";

/** What a model predicts. */
export const TARGETS = ["price", "log price", "log1p price", "log10 price", "log price per carat"] as const;
export type Target = (typeof TARGETS)[number];

/** Adds the nodes that compute the price from what a model predicts and the weight in carats; all are float [N]. */
export function addPriceOfTarget(
  graph: Graph,
  prediction: GraphValue,
  target: Target,
  carat: GraphValue,
): GraphValue {
  switch (target) {
    case "price":
      return prediction;
    case "log price":
      return graph.exp(prediction);
    case "log1p price":
      return graph.sub(graph.exp(prediction), graph.floatConstant(1));
    case "log10 price":
      return graph.pow(graph.floatConstant(10), prediction);
    case "log price per carat":
      return graph.mul(graph.exp(prediction), carat);
  }
}
