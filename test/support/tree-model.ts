import { addTreeEnsemble } from "../../training/onnx/add-tree-ensemble.ts";
import { Graph } from "../../training/onnx/graph.ts";
import { addStoneInputs } from "../../training/onnx/stone-inputs.ts";
import type { RegressionTree } from "../../training/onnx/tree-ensemble.ts";
import { createRandom } from "./random.ts";

/** Builds the ONNX file of a price model with complete trees. All its prices are above 1,000. */
export function createTreeModel(treeCount: number, depth: number): Uint8Array {
  const random = createRandom(1);
  const graph = new Graph("trees");
  const stone = addStoneInputs(graph);
  const features = graph.stack([stone.carat, stone.depth, stone.table]);
  const trees = Array.from({ length: treeCount }, () => growCompleteTree(random, depth));
  graph.addOutput(addTreeEnsemble(graph, features, { baseScore: 1000, trees }), "price");
  return graph.toBytes();
}

function growCompleteTree(random: () => number, depth: number): RegressionTree {
  const innerCount = 2 ** depth - 1;
  const fill = (fillNode: (node: number) => number) =>
    Array.from({ length: 2 * innerCount + 1 }, (_, node) => fillNode(node));
  const isLeaf = (node: number) => node >= innerCount;
  return {
    feature: fill(() => Math.floor(random() * 3)),
    threshold: fill(() => Math.fround(random() * 5)),
    left: fill((node) => (isLeaf(node) ? -1 : 2 * node + 1)),
    right: fill((node) => (isLeaf(node) ? -1 : 2 * node + 2)),
    defaultLeft: fill(() => 1),
    value: fill((node) => (isLeaf(node) ? Math.fround(random()) : 0)),
  };
}
