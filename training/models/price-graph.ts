import { Graph, type GraphValue } from "../onnx/graph.ts";
import { addStoneInputs, type StoneValues } from "../onnx/stone-inputs.ts";
import { addCompletion, type CompletionConstants } from "./completion.ts";

/** Bounds of a predicted price. They keep it positive and finite for stones far outside the training data. */
const MIN_PREDICTED_PRICE_USD = 1;
const MAX_PREDICTED_PRICE_USD = 1e9;

/** Limits a price as the exported graph does. */
export function limitPrice(price: number): number {
  return Math.min(Math.max(price, MIN_PREDICTED_PRICE_USD), MAX_PREDICTED_PRICE_USD);
}

/**
 * Builds the ONNX file of a whole model. Its inputs are the columns of a stone, and its output is `price`.
 * The graph completes missing measurements before the nodes of `addPrice`.
 */
export function buildPriceGraph(
  name: string,
  constants: CompletionConstants,
  addPrice: (graph: Graph, stone: StoneValues) => GraphValue,
): Uint8Array {
  const graph = new Graph(name);
  const price = addPrice(graph, addCompletion(graph, addStoneInputs(graph), constants));
  const atLeastMinimum = graph.max(price, graph.floatConstant(MIN_PREDICTED_PRICE_USD));
  graph.addOutput(graph.min(atLeastMinimum, graph.floatConstant(MAX_PREDICTED_PRICE_USD)), "price");
  return graph.toBytes();
}
