import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../../src/domain/diamond.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import { type CompletionConstants, complete } from "./completion.ts";
import type { StoneValues } from "./model.ts";

/** US dollars. However far a stone lies from what a model has seen, its price is positive and finite. */
export const LOWEST_PRICE = 1;
export const HIGHEST_PRICE = 1e9;

/**
 * A whole model as an ONNX file: the columns of a stone go in, missing measurements are completed, the
 * given nodes price it, and `price` comes out.
 */
export function priceGraph(
  name: string,
  constants: CompletionConstants,
  price: (graph: Graph, stone: StoneValues) => Value,
): Uint8Array {
  const graph = new Graph(name);
  const raw = price(graph, complete(graph, stoneInputs(graph), constants));
  const positive = graph.max(raw, graph.float(LOWEST_PRICE));
  graph.output(graph.min(positive, graph.float(HIGHEST_PRICE)), "price");
  return graph.toBytes();
}

/** Declares the inputs that every model has: the dataset's own columns. */
export function stoneInputs(graph: Graph): StoneValues {
  const inputs: [string, Value][] = [
    ...NUMBER_COLUMNS.map((name): [string, Value] => [name, graph.input(name, "float")]),
    ...GRADE_COLUMNS.map((name): [string, Value] => [name, graph.input(name, "string")]),
  ];
  return Object.fromEntries(inputs) as unknown as StoneValues;
}
