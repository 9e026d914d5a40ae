import type { PriceNodes } from "../models/price-graph.ts";
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
 * Creates the nodes of an imported model. A missing measurement (NaN) takes the default branch of each split,
 * as in XGBoost. An unknown grade takes it too.
 */
export function createXgboostNodes({ features, ensemble }: XgboostModel, { log }: GraphOptions): PriceNodes {
  return {
    addFeatures: (graph, stone) => graph.stack(features.map((feature) => addFeature(graph, stone, feature))),
    addPrice(graph, values) {
      const sum = addTreeEnsemble(graph, values, ensemble);
      return log ? graph.exp(sum) : sum;
    },
  };
}

function addFeature(graph: Graph, stone: StoneValues, feature: Feature): GraphValue {
  const value = stone[feature.column];
  return "codes" in feature ? graph.encodeLabels(value, feature.codes) : value;
}
