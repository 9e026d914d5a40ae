import { describe, expect, test } from "vitest";
import { Graph } from "../../../training/onnx/graph.ts";
import { createModel } from "../../../training/onnx/runtime.ts";
import { type TreeNodes, type TreeSum, trees } from "../../../training/onnx/trees.ts";
import { growTree, randomColumns, randomNumbers, sumOfLeaves } from "./random-trees.ts";

/** The ensemble's sums as ONNX, rows given by column. */
async function predict(
  ensemble: TreeSum,
  columns: readonly Float32Array[],
  precision: "float" | "double" = "float",
): Promise<Float32Array> {
  const graph = new Graph("trees");
  const features = columns.map((_, i) => graph.unsqueeze(graph.input(`f${i}`, "float"), 1));
  graph.output(trees(graph, graph.concat(features, 1), ensemble, { precision }), "price");
  const model = await createModel(graph.toBytes());
  try {
    return (await model.run(Object.fromEntries(columns.map((column, i) => [`f${i}`, column])))).price!.data;
  } finally {
    await model.release();
  }
}

/** A split on feature 0; leaves of 1 on the left and 2 on the right. */
function stump(split: Partial<TreeNodes>): TreeNodes {
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
  test("a value at the threshold goes right, the next float32 below it left", async () => {
    const threshold = Math.fround(0.7);
    const below = new Float32Array(
      Int32Array.of(new Int32Array(Float32Array.of(threshold).buffer)[0]! - 1).buffer,
    );
    const sums = await predict({ baseScore: 0, trees: [stump({ threshold: [threshold, 0, 0] })] }, [
      Float32Array.of(below[0]!, threshold, -1, 1),
    ]);
    expect(Array.from(sums)).toEqual([1, 2, 1, 2]);
  });

  test.each([0, 1])("a missing value goes left: %i", async (left) => {
    const ensemble = { baseScore: 0, trees: [stump({ defaultLeft: [left, 0, 0] })] };
    expect(Array.from(await predict(ensemble, [Float32Array.of(Number.NaN)]))).toEqual([left === 1 ? 1 : 2]);
  });

  test("categories that are listed go right, all others left, missing ones where they should", async () => {
    const column = Float32Array.of(0, 1, 2, 3, -1, 99, Number.NaN);
    for (const left of [0, 1]) {
      const split = { categories: [[0, 3], undefined, undefined], defaultLeft: [left, 0, 0] };
      const sums = await predict({ baseScore: 10, trees: [stump(split)] }, [column]);
      expect(Array.from(sums)).toEqual([12, 11, 11, 12, 11, 11, left === 1 ? 11 : 12]);
    }
  });

  test("categories that the runtime would get wrong are refused", async () => {
    const ensemble = { baseScore: 0, trees: [stump({ categories: [[31], undefined, undefined] })] };
    await expect(predict(ensemble, [Float32Array.of(0)])).rejects.toThrow(
      "category 31 is not a whole number from 0 to 30",
    );
  });

  test("a branch to nowhere is refused", async () => {
    const ensemble = { baseScore: 0, trees: [stump({ right: [7, -1, -1] })] };
    await expect(predict(ensemble, [Float32Array.of(0)])).rejects.toThrow("the tree has no node 7");
  });
});

test("no trees at all: the base score", async () => {
  const sums = await predict({ baseScore: 3932.5, trees: [] }, [Float32Array.of(1, 2)]);
  expect(Array.from(sums)).toEqual([3932.5, 3932.5]);
});

// The oracle is a plain walk of the trees. Columns 3 and 4 hold codes, a few of them unknown; all hold NaN.
describe.each(["float", "double"] as const)("random trees, summed in %s", (precision) => {
  test.each([
    { count: 1, depth: 1, ensembles: 20 },
    { count: 1, depth: 2, ensembles: 40 },
    { count: 4, depth: 3, ensembles: 20 },
    { count: 3, depth: 0, ensembles: 1 },
    { count: 60, depth: 6, ensembles: 2 },
  ])("$count of depth $depth: the very sum of the walk", async ({ count, depth, ensembles }) => {
    const random = randomNumbers(count * 10 + depth);
    for (let i = 0; i < ensembles; i++) {
      const ensemble = {
        baseScore: Math.fround(3932.8),
        trees: Array.from({ length: count }, () => growTree(random, depth)),
      };
      // One row takes another path through the runtime than a batch.
      for (const rows of [1, 200]) {
        const columns = randomColumns(random, rows);
        const expected = Float32Array.from({ length: rows }, (_, row) =>
          sumOfLeaves(ensemble, columns, row, precision),
        );
        expect(await predict(ensemble, columns, precision)).toEqual(expected);
      }
    }
  });
});
