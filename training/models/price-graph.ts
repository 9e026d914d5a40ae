import { Graph, type GraphValue } from "../onnx/graph.ts";
import { addStoneInputs } from "../onnx/stone-inputs.ts";
import { addCompletedFeatures, type CompletionConstants } from "./completion.ts";
import type { FittedModel, PriceModel } from "./model.ts";

/** Bounds of a predicted price. They keep it positive and finite for stones far outside the training data. */
const MIN_PREDICTED_PRICE_USD = 1;
const MAX_PREDICTED_PRICE_USD = 1e9;

/** Limits a price as the exported graph does. */
export function limitPrice(price: number): number {
  return Math.min(Math.max(price, MIN_PREDICTED_PRICE_USD), MAX_PREDICTED_PRICE_USD);
}

/** The two parts of a model in a graph: the features of a stone, and the price that follows from them. */
export type PriceNodes = Pick<PriceModel, "addFeatures"> & Pick<FittedModel, "addPrice">;

/** Builds the ONNX file of a whole model. Its inputs are the columns of a stone, and its output is `price`. */
export function buildPriceGraph(name: string, constants: CompletionConstants, model: PriceNodes): Uint8Array {
  const graph = new Graph(name);
  const stone = addStoneInputs(graph);
  const features = addCompletedFeatures(graph, stone, constants, model);
  const price = model.addPrice(graph, features, stone.carat);
  graph.addOutput(addPriceLimits(graph, price), "price");
  return graph.toBytes();
}

/** Adds the node that limits a price, float [N], as {@link limitPrice} does. */
export function addPriceLimits(graph: Graph, price: GraphValue): GraphValue {
  const min = graph.floatConstant(MIN_PREDICTED_PRICE_USD);
  const max = graph.floatConstant(MAX_PREDICTED_PRICE_USD);
  return graph.clip(price, min, max);
}
