import { GRADES, type GradeColumn } from "../../src/domain/diamond.ts";
import type { Graph, Value } from "../onnx/graph.ts";

/** A grade as its place in the vocabulary, 0 for the worst: string [N] to float [N]. */
export function gradeCode(graph: Graph, column: GradeColumn, value: Value): Value {
  return lookUp(graph, value, new Map(GRADES[column].map((grade, code) => [grade, code])), Number.NaN);
}

/** Maps strings [N] to floats [N]; others get the default. */
export function lookUp(
  graph: Graph,
  value: Value,
  table: ReadonlyMap<string, number>,
  otherwise: number,
): Value {
  return graph.op(
    "LabelEncoder",
    [value],
    {
      keys_strings: [...table.keys()],
      values_floats: Float32Array.from(table.values()),
      default_float: otherwise,
    },
    { domain: "ai.onnx.ml", type: "float" },
  );
}
