import type { GradeColumn, NumberColumn } from "../../src/domain/diamond.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { trees } from "../onnx/trees.ts";
import type { Feature } from "./features.ts";
import type { XgboostModel } from "./index.ts";

/** A stone's columns, each of shape [N]: numbers as float, grades as string. */
export type Columns = Readonly<Record<NumberColumn, Value> & Record<GradeColumn, Value>>;

export interface GraphOptions {
  /** Whether the model was trained on the natural logarithm of the price. */
  readonly log: boolean;
}

/**
 * Adds the nodes of an imported model: columns [N] to prices float [N]. A measurement that is NaN takes each
 * split's default branch, as in XGBoost; so does a grade outside the vocabulary.
 */
export function xgboostGraph(
  graph: Graph,
  columns: Columns,
  model: XgboostModel,
  { log }: GraphOptions,
): Value {
  const features = model.features.map((feature) => graph.unsqueeze(encoded(graph, columns, feature), 1));
  const sum = trees(graph, graph.concat(features, 1), model.ensemble);
  return log ? graph.exp(sum) : sum;
}

function encoded(graph: Graph, columns: Columns, feature: Feature): Value {
  if (!("codes" in feature)) return columns[feature.column];
  return graph.op(
    "LabelEncoder",
    [columns[feature.column]],
    {
      keys_strings: [...feature.codes.keys()],
      values_floats: Float32Array.from(feature.codes.values()),
      default_float: Number.NaN,
    },
    { domain: "ai.onnx.ml", type: "float" },
  );
}
