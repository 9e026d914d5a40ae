import type { Graph, GraphValue } from "./graph.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";
import { TreeEnsembleLayout } from "./tree-ensemble-layout.ts";

/**
 * Adds the sum of a tree ensemble, including its base score: features float [N, F] to float [N]. The
 * runtime adds the base score and then one tree after another in float32. XGBoost does the same, so the
 * sums are equal to the bit.
 * @throws RangeError if a tree refers to a node that it does not have, or if a category is not a whole
 * number from 0 to 30
 */
export function addTreeEnsemble(graph: Graph, features: GraphValue, ensemble: TreeEnsemble): GraphValue {
  const layout = new TreeEnsembleLayout();
  layout.addLeaf(ensemble.baseScore);
  for (const tree of ensemble.trees) layout.addTree(tree);
  const sum = graph.addNode("TreeEnsemble", [features], layout.toAttributes(), {
    domain: "ai.onnx.ml",
    type: "float",
  });
  return graph.squeeze(sum, 1);
}
