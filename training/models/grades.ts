import { GRADES, type GradeColumn } from "../../src/domain/diamond.ts";
import type { Graph, GraphValue } from "../onnx/graph.ts";

/** Encodes a grade as its rank, 0 for the worst: string [N] to float [N]. */
export function encodeGrade(graph: Graph, column: GradeColumn, grade: GraphValue): GraphValue {
  return graph.encodeLabels(grade, new Map(GRADES[column].map((name, rank) => [name, rank])));
}
