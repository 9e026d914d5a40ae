import { addTreeEnsemble } from "../onnx/add-tree-ensemble.ts";
import type { Graph, GraphValue } from "../onnx/graph.ts";
import type { StoneValues } from "../onnx/stone-inputs.ts";
import type { Feature } from "./features.ts";
import type { XgboostModel } from "./model.ts";

export interface GraphOptions {
  /** Whether the model was trained on the natural logarithm of the price. */
  readonly log: boolean;
}

/**
 * Adds the nodes of an imported model: columns [N] to prices float [N]. A missing measurement (NaN) takes
 * the default branch of each split, as in XGBoost. An unknown grade takes it too.
 */
export function addXgboostModel(
  graph: Graph,
  stone: StoneValues,
  model: XgboostModel,
  { log }: GraphOptions,
): GraphValue {
  const columns = model.features.map((feature) => graph.unsqueeze(addFeature(graph, stone, feature), 1));
  const sum = addTreeEnsemble(graph, graph.concat(columns, 1), model.ensemble);
  return log ? graph.exp(sum) : sum;
}

function addFeature(graph: Graph, stone: StoneValues, feature: Feature): GraphValue {
  const value = stone[feature.column];
  return "codes" in feature ? graph.encodeLabels(value, feature.codes) : value;
}
