import { describe, expect, test } from "vitest";
import {
  type Ensemble,
  fitEnsemble,
  predictEnsemble,
  XGBOOST_DEFAULTS,
} from "../../../../training/boosting/index.ts";
import { createRandomTable } from "../random-table.ts";

/** Serializes every number of an ensemble to the bit. Comparing the texts is fast. */
function serializeEnsemble({ trees, ...rest }: Ensemble): string {
  const arrays = trees.flatMap((tree) => Object.values(tree) as Float32Array[]);
  return JSON.stringify([
    rest,
    arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("hex")),
  ]);
}

describe("the ensemble does not depend on the number of threads", () => {
  const { x, y } = createRandomTable(9000, 5, { levels: 400, missing: 0.05 });
  test.each([
    ["default parameters", {}, {}],
    ["sampled rows and features", { subsample: 0.6, colsampleByTree: 0.6 }, {}],
    ["weights", {}, { weights: Float32Array.from(y, (value) => 1 / (1 + value)) }],
    ["Huber's loss", { huber: { delta: 2, after: 3 }, subsample: 0.8 }, {}],
    [
      "Huber's loss and weights",
      { huber: { delta: 2, after: 0 } },
      { weights: Float32Array.from(y, (value) => 1 / (1 + value)) },
    ],
    ["trees of depth 1", { maxDepth: 1 }, {}],
    ["trees of depth 0", { maxDepth: 0 }, {}],
  ])("1, 2 and 3 threads: %s", async (_, change, options) => {
    const parameters = { ...XGBOOST_DEFAULTS, rounds: 12, ...change };
    const one = await fitEnsemble(x, y, parameters, { ...options, threads: 1 });
    for (const threads of [2, 3]) {
      const other = await fitEnsemble(x, y, parameters, { ...options, threads });
      expect(serializeEnsemble(other)).toBe(serializeEnsemble(one));
    }
  });

  test("also with more threads than blocks of rows", async () => {
    const small = createRandomTable(30, 2);
    const parameters = { ...XGBOOST_DEFAULTS, rounds: 5 };
    const one = await fitEnsemble(small.x, small.y, parameters);
    expect(await fitEnsemble(small.x, small.y, parameters, { threads: 2 })).toEqual(one);
  });
});

describe("sampling", () => {
  const { x, y } = createRandomTable(1000, 10);
  const parameters = { ...XGBOOST_DEFAULTS, rounds: 8, subsample: 0.5, colsampleByTree: 0.3, seed: 7 };

  test("depends on the seed", async () => {
    const predict = async (seed: number) =>
      predictEnsemble(await fitEnsemble(x, y, { ...parameters, seed }), x);
    expect(await predict(7)).toEqual(await predict(7));
    expect(await predict(7)).not.toEqual(await predict(8));
  });

  test("takes the requested fractions of rows and features", async () => {
    const { trees } = await fitEnsemble(x, y, parameters);
    for (const { cover, feature, left } of trees) {
      // The cover of the root is the number of sampled rows, about half of 1,000.
      expect(cover[0]).toBeGreaterThan(400);
      expect(cover[0]).toBeLessThan(600);
      const used = new Set(feature.filter((_, node) => left[node]! >= 0));
      expect(used.size).toBeLessThanOrEqual(3);
    }
    expect(new Set(trees.flatMap((tree) => [...tree.feature])).size).toBeGreaterThan(3);
  });
});
