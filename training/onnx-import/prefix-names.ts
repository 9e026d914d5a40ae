import type { GraphProto } from "onnx-buf";

/**
 * Puts a prefix before the name of each value and node of a graph and of its subgraphs, so that the graph can
 * stand in another one. Declared types of inner values are left out: the runtime finds them itself, and those
 * of a model for one stone would be wrong. The graph is changed in place.
 */
export function prefixNames(graph: GraphProto, prefix: string): void {
  // An empty name is an optional input that is left out.
  const rename = (name: string) => (name === "" ? "" : `${prefix}${name}`);
  for (const node of graph.node) {
    node.name = rename(node.name);
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
    for (const { g, graphs } of node.attribute)
      for (const inner of g ? [g, ...graphs] : graphs) prefixNames(inner, prefix);
  }
  for (const value of [...graph.initializer, ...graph.input, ...graph.output])
    value.name = rename(value.name);
  for (const { values } of graph.sparseInitializer) if (values) values.name = rename(values.name);
  graph.valueInfo = [];
  graph.quantizationAnnotation = [];
}
