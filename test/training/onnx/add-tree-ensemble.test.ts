import { describe, expect, test } from "vitest";
import { addTreeEnsemble } from "../../../training/onnx/add-tree-ensemble.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { loadModel } from "../../../training/onnx/runtime.ts";
import type { RegressionTree, TreeEnsemble } from "../../../training/onnx/tree-ensemble.ts";
import { createRandom } from "../../support/random.ts";
import { createColumns, growTree, sumLeaves } from "./random-trees.ts";

/** Computes the sums of an ensemble with ONNX. The rows are given as columns. */
async function predict(ensemble: TreeEnsemble, columns: readonly Float32Array[]): Promise<Float32Array> {
  const graph = new Graph("trees");
  const features = graph.stack(columns.map((_, i) => graph.addInput(`f${i}`, "float")));
  graph.addOutput(addTreeEnsemble(graph, features, ensemble), "price");
  const model = await loadModel(graph.toBytes());
  try {
    return (await model.run(Object.fromEntries(columns.map((column, i) => [`f${i}`, column])))).price!.data;
  } finally {
    await model.release();
  }
}

/** A tree with one split on feature 0. The left leaf has the value 1, the right leaf 2. */
function createStump(split: Partial<RegressionTree>): RegressionTree {
  return {
    feature: [0, 0, 0],
    threshold: [0, 0, 0],
    left: [1, -1, -1],
    right: [2, -1, -1],
    defaultLeft: [0, 0, 0],
    value: [0, 1, 2],
    ...split,
  };
}

describe("one split", () => {
  test("a value equal to the threshold goes right, the next lower float32 goes left", async () => {
    const threshold = Math.fround(0.7);
    const below = new Float32Array(
      Int32Array.of(new Int32Array(Float32Array.of(threshold).buffer)[0]! - 1).buffer,
    );
    const sums = await predict({ baseScore: 0, trees: [createStump({ threshold: [threshold, 0, 0] })] }, [
      Float32Array.of(below[0]!, threshold, -1, 1),
    ]);
    expect(Array.from(sums)).toEqual([1, 2, 1, 2]);
  });

  test.each([0, 1])("a missing value follows defaultLeft %i", async (left) => {
    const ensemble = { baseScore: 0, trees: [createStump({ defaultLeft: [left, 0, 0] })] };
    expect(Array.from(await predict(ensemble, [Float32Array.of(Number.NaN)]))).toEqual([left === 1 ? 1 : 2]);
  });

  test("listed categories go right, other categories left, missing values follow defaultLeft", async () => {
    const column = Float32Array.of(0, 1, 2, 3, -1, 99, Number.NaN);
    for (const left of [0, 1]) {
      const split = { categories: [[0, 3], undefined, undefined], defaultLeft: [left, 0, 0] };
      const sums = await predict({ baseScore: 10, trees: [createStump(split)] }, [column]);
      expect(Array.from(sums)).toEqual([12, 11, 11, 12, 11, 11, left === 1 ? 11 : 12]);
    }
  });

  test("rejects categories above 30", async () => {
    const ensemble = { baseScore: 0, trees: [createStump({ categories: [[31], undefined, undefined] })] };
    await expect(predict(ensemble, [Float32Array.of(0)])).rejects.toThrow(
      "category 31 must be an integer from 0 to 30",
    );
  });

  test("rejects a branch to a node that does not exist", async () => {
    const ensemble = { baseScore: 0, trees: [createStump({ right: [7, -1, -1] })] };
    await expect(predict(ensemble, [Float32Array.of(0)])).rejects.toThrow("the tree has no node 7");
  });
});

test("without trees the sum is the base score", async () => {
  const sums = await predict({ baseScore: 3932.5, trees: [] }, [Float32Array.of(1, 2)]);
  expect(Array.from(sums)).toEqual([3932.5, 3932.5]);
});

// The expected sums come from a loop over the trees in plain code. Columns 3 and 4 hold category codes, some
// of them unknown. All columns hold some NaN.
describe("random trees", () => {
  test.each([
    { count: 1, depth: 1, ensembles: 20 },
    { count: 1, depth: 2, ensembles: 40 },
    { count: 4, depth: 3, ensembles: 20 },
    { count: 3, depth: 0, ensembles: 1 },
    { count: 60, depth: 6, ensembles: 2 },
  ])("$count of depth $depth have exactly the expected sum", async ({ count, depth, ensembles }) => {
    const random = createRandom(count * 10 + depth);
    for (let i = 0; i < ensembles; i++) {
      const ensemble = {
        baseScore: Math.fround(3932.8),
        trees: Array.from({ length: count }, () => growTree(random, depth)),
      };
      // The runtime has separate code for one row and for a batch.
      for (const rows of [1, 200]) {
        const columns = createColumns(random, rows);
        const expected = Float32Array.from({ length: rows }, (_, row) => sumLeaves(ensemble, columns, row));
        expect(await predict(ensemble, columns)).toEqual(expected);
      }
    }
  });
});
