import { describe, expect, test } from "vitest";
import {
  type Ensemble,
  fitEnsemble,
  predictEnsemble,
  XGBOOST_DEFAULTS,
} from "../../../training/boosting/index.ts";
import { randomTable } from "./tables.ts";

/** Every number of the ensemble, quick to compare. */
function bits({ trees, ...rest }: Ensemble): string {
  const arrays = trees.flatMap((tree) => Object.values(tree) as Float32Array[]);
  return JSON.stringify([
    rest,
    arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("hex")),
  ]);
}

describe("the same ensemble to the bit", () => {
  const { x, y } = randomTable(9000, 5, { levels: 400, missing: 0.05 });
  test.each([
    ["plain", {}, {}],
    ["sampled", { subsample: 0.6, colsampleByTree: 0.6 }, {}],
    ["constrained", { monotone: [1, 0, 0, 0, 0] }, {}],
    ["weighted", {}, { weights: Float32Array.from(y, (value) => 1 / (1 + value)) }],
    ["Huber's loss", { huber: { delta: 2, after: 3 }, subsample: 0.8 }, {}],
    [
      "Huber's loss, weighted",
      { huber: { delta: 2, after: 0 } },
      { weights: Float32Array.from(y, (value) => 1 / (1 + value)) },
    ],
    ["stumps", { maxDepth: 1 }, {}],
    ["leaves", { maxDepth: 0 }, {}],
  ])("on 1, 2 and 3 threads: %s", async (_, change, options) => {
    const parameters = { ...XGBOOST_DEFAULTS, rounds: 12, ...change };
    const one = await fitEnsemble(x, y, parameters, { ...options, threads: 1 });
    for (const threads of [2, 3]) {
      expect(bits(await fitEnsemble(x, y, parameters, { ...options, threads }))).toBe(bits(one));
    }
  });

  test("on more threads than there are blocks of rows", async () => {
    const small = randomTable(30, 2);
    const one = await fitEnsemble(small.x, small.y, { ...XGBOOST_DEFAULTS, rounds: 5 });
    expect(await fitEnsemble(small.x, small.y, { ...XGBOOST_DEFAULTS, rounds: 5 }, { threads: 2 })).toEqual(
      one,
    );
  });
});

describe("sampling", () => {
  const { x, y } = randomTable(1000, 10);
  const parameters = { ...XGBOOST_DEFAULTS, rounds: 8, subsample: 0.5, colsampleByTree: 0.3, seed: 7 };

  test("is the same for a seed and another for another", async () => {
    const predict = async (seed: number) =>
      predictEnsemble(await fitEnsemble(x, y, { ...parameters, seed }), x);
    expect(await predict(7)).toEqual(await predict(7));
    expect(await predict(7)).not.toEqual(await predict(8));
  });

  test("takes the shares asked for", async () => {
    const { trees } = await fitEnsemble(x, y, parameters);
    for (const { cover, feature, left } of trees) {
      expect(cover[0]).toBeGreaterThan(400);
      expect(cover[0]).toBeLessThan(600);
      const used = new Set(feature.filter((_, node) => left[node]! >= 0));
      expect(used.size).toBeLessThanOrEqual(3);
    }
    expect(new Set(trees.flatMap((tree) => [...tree.feature])).size).toBeGreaterThan(3);
  });
});
