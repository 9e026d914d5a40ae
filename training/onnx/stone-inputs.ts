import {
  GRADE_COLUMNS,
  type GradeColumn,
  NUMBER_COLUMNS,
  type NumberColumn,
} from "../../src/domain/diamond.ts";
import type { Graph, GraphValue } from "./graph.ts";

/** A stone's columns as values of a graph, each of shape [N]: numbers are float, grades are string. */
export type StoneValues = Readonly<Record<NumberColumn, GraphValue> & Record<GradeColumn, GraphValue>>;

/** Declares the inputs of every price model: the columns of the dataset without the price. */
export function addStoneInputs(graph: Graph): StoneValues {
  const inputs: [string, GraphValue][] = [
    ...NUMBER_COLUMNS.map((name): [string, GraphValue] => [name, graph.addInput(name, "float")]),
    ...GRADE_COLUMNS.map((name): [string, GraphValue] => [name, graph.addInput(name, "string")]),
  ];
  return Object.fromEntries(inputs) as unknown as StoneValues;
}
