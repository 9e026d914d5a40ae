import { describe, expect, test } from "vitest";
import {
  type BoostingParameters,
  computeGainImportance,
  type Ensemble,
  fitEnsemble,
  type Matrix,
  predictEnsemble,
  XGBOOST_DEFAULTS,
} from "../../../training/boosting/index.ts";
import { createRandomTable } from "./random-table.ts";

/** Parameters of a fit of one tree that starts from 0. */
const ONE_TREE = { ...XGBOOST_DEFAULTS, rounds: 1, baseScore: 0 } as const;

function createMatrix(...columns: number[][]): Matrix {
  return { rows: columns[0]!.length, columns: columns.map((column) => Float32Array.from(column)) };
}

describe("trees that can be computed by hand", () => {
  test("one split: leaf weights are -G / (H + lambda), multiplied by eta", async () => {
    const x = createMatrix([1, 2, 3, 4]);
    const { trees } = await fitEnsemble(x, Float32Array.of(1, 1, 5, 5), {
      ...ONE_TREE,
      maxDepth: 1,
      eta: 0.5,
    });
    const [tree] = trees;
    expect(tree!.feature[0]).toBe(0);
    expect(tree!.threshold[0]).toBe(3);
    expect([...tree!.left]).toEqual([1, -1, -1]);
    expect([...tree!.right]).toEqual([2, -1, -1]);
    // By hand: on the left G = -2 and H = 2, so the weight is 2/3; on the right G = -10, so it is 10/3. Eta
    // halves both.
    expect(tree!.value[1]).toBeCloseTo(1 / 3, 6);
    expect(tree!.value[2]).toBeCloseTo(5 / 3, 6);
    // By hand: 4/3 + 100/3 - 144/5.
    expect(tree!.gain[0]).toBeCloseTo(104 / 3 - 144 / 5, 5);
    expect([...tree!.cover]).toEqual([4, 2, 2]);
  });

  test("a value equal to the threshold goes right; a missing value goes to the side with the larger gain", async () => {
    const x = createMatrix([1, 1, 2, 2, Number.NaN]);
    const y = Float32Array.of(0, 0, 9, 9, 9);
    const ensemble = await fitEnsemble(x, y, { ...ONE_TREE, maxDepth: 1, lambda: 0, eta: 1 });
    expect(ensemble.trees[0]!.defaultLeft[0]).toBe(0);
    expect([...predictEnsemble(ensemble, createMatrix([1.99, 2, Number.NaN]))]).toEqual([0, 9, 9]);
    const mirrored = await fitEnsemble(x, Float32Array.of(9, 9, 0, 0, 9), {
      ...ONE_TREE,
      maxDepth: 1,
      lambda: 0,
      eta: 1,
    });
    expect(mirrored.trees[0]!.defaultLeft[0]).toBe(1);
    expect([...predictEnsemble(mirrored, createMatrix([1.99, 2, Number.NaN]))]).toEqual([9, 0, 9]);
  });

  test("a split can separate missing values from present ones", async () => {
    const x = createMatrix([3, 3, Number.NaN, Number.NaN]);
    const ensemble = await fitEnsemble(x, Float32Array.of(1, 1, 7, 7), {
      ...ONE_TREE,
      maxDepth: 2,
      lambda: 0,
      eta: 1,
    });
    expect([...predictEnsemble(ensemble, createMatrix([-1e30, 3, Number.NaN]))]).toEqual([1, 1, 7]);
  });

  test("gamma, alpha and minChildWeight each prevent a split", async () => {
    const x = createMatrix([1, 2, 3, 4]);
    const y = Float32Array.of(1, 1, 5, 5);
    const countNodes = async (change: object) =>
      (await fitEnsemble(x, y, { ...ONE_TREE, maxDepth: 1, ...change })).trees[0]!.left.length;
    expect(await countNodes({})).toBe(3);
    expect(await countNodes({ gamma: 6 })).toBe(1);
    expect(await countNodes({ alpha: 10 })).toBe(1);
    expect(await countNodes({ minChildWeight: 3 })).toBe(1);
  });
});

describe("tables without a possible split", () => {
  test.each([
    ["a single row", createMatrix([4]), [10]],
    ["a constant feature", createMatrix([4, 4, 4]), [9, 10, 11]],
    ["a feature without any value", createMatrix([Number.NaN, Number.NaN]), [9, 11]],
    ["no features", { rows: 2, columns: [] }, [9, 11]],
  ])("%s", async (_, x, y) => {
    const ensemble = await fitEnsemble(x, Float32Array.from(y), { ...XGBOOST_DEFAULTS, rounds: 3 });
    expect(ensemble.trees.map((tree) => tree.left.length)).toEqual([1, 1, 1]);
    for (const price of predictEnsemble(ensemble, x)) expect(price).toBeCloseTo(10, 4);
    expect([...computeGainImportance(ensemble)]).toEqual(x.columns.map(() => 0));
  });

  test("depth 0: every tree is a single leaf, and boosting converges to the mean", async () => {
    const { x, y } = createRandomTable(50, 2);
    const ensemble = await fitEnsemble(x, y, { ...XGBOOST_DEFAULTS, maxDepth: 0, baseScore: 0 });
    const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
    expect(predictEnsemble(ensemble, x)[0]).toBeCloseTo(mean, 3);
  });

  test("0 rounds: the prediction is the base score", async () => {
    const ensemble = await fitEnsemble(createMatrix([1, 2]), Float32Array.of(3, 5), {
      ...XGBOOST_DEFAULTS,
      rounds: 0,
    });
    expect([...predictEnsemble(ensemble, createMatrix([1]))]).toEqual([4]);
  });
});

describe("fitEnsemble rejects", () => {
  const { x, y } = createRandomTable(10, 2);
  test.each([
    ["maxBin 257", { maxBin: 257 }, /maxBin must be an integer from 2 to 256, not 257/],
    ["eta NaN", { eta: Number.NaN }, /eta must be above 0/],
    ["huber.delta 0", { huber: { delta: 0, after: 0 } }, /huber.delta must be above 0, not 0/],
    [
      "huber.after 0.5",
      { huber: { delta: 1, after: 0.5 } },
      /huber.after must be an integer of at least 0, not 0.5/,
    ],
  ])("%s", async (_, change, message) => {
    await expect(fitEnsemble(x, y, { ...XGBOOST_DEFAULTS, ...change })).rejects.toThrow(message);
  });

  test("an infinite feature value, a target that is NaN, weights of another length", async () => {
    const infinite = createMatrix([1, Number.POSITIVE_INFINITY]);
    await expect(fitEnsemble(infinite, Float32Array.of(1, 2), ONE_TREE)).rejects.toThrow(
      /feature 0 has an infinite value; a missing value must be NaN/,
    );
    await expect(
      fitEnsemble(
        x,
        y.map(() => Number.NaN),
        ONE_TREE,
      ),
    ).rejects.toThrow(/each target must be a finite number/);
    await expect(fitEnsemble(x, y, ONE_TREE, { weights: new Float32Array(3) })).rejects.toThrow(
      /there must be one weight for each row, not 3 weights for 10 rows/,
    );
  });
});

describe("row weights", () => {
  test("a row with weight 3 counts as three rows", async () => {
    const { x, y } = createRandomTable(80, 2, { levels: 8 });
    const weights = Float32Array.from(y, (_, row) => 1 + (row % 3));
    const repeat = (values: Float32Array) =>
      Float32Array.from([...values].flatMap((value, row) => Array<number>(1 + (row % 3)).fill(value)));
    const columns = x.columns.map(repeat);
    const parameters = { ...XGBOOST_DEFAULTS, rounds: 10, maxDepth: 3 };
    const weighted = predictEnsemble(await fitEnsemble(x, y, parameters, { weights }), x);
    const repeated = predictEnsemble(
      await fitEnsemble({ rows: columns[0]!.length, columns }, repeat(y), parameters),
      x,
    );
    for (let row = 0; row < x.rows; row++) expect(weighted[row]).toBeCloseTo(repeated[row]!, 2);
  });
});

describe("Huber's loss", () => {
  const leaf = { ...ONE_TREE, maxDepth: 0, lambda: 0, eta: 1 };

  test("a residual of 9 has the weight 1/9 if delta is 1", async () => {
    const x = createMatrix([0, 0, 0, 0]);
    const y = Float32Array.of(1, 1, 1, 9);
    const startAfter = (rounds: number) => ({ ...leaf, rounds: 2, huber: { delta: 1, after: rounds } });
    const [first, second] = (await fitEnsemble(x, y, startAfter(0))).trees.map(({ value }) => value[0]!);
    // By hand: (1 + 1 + 1 + 9 / 9) / (3 + 1 / 9).
    expect(first).toBeCloseTo(9 / 7, 6);
    // By hand: the residuals are then -2/7 three times and 54/7, whose weight is 7/54.
    expect(second).toBeCloseTo((-6 / 7 + 1) / (3 + 7 / 54), 6);
    const later = (await fitEnsemble(x, y, startAfter(1))).trees.map(({ value }) => value[0]!);
    expect(later[0]).toBeCloseTo(3, 6);
    // By hand: the residuals are -2, -2, -2 and 6, whose weights are 1/2 and 1/6.
    expect(later[1]).toBeCloseTo((-3 + 1) / (3 / 2 + 1 / 6), 6);
  });

  test("equals the squared error if no residual is above delta", async () => {
    const { x, y } = createRandomTable(300, 3);
    const parameters = { ...XGBOOST_DEFAULTS, rounds: 10 };
    const plain = predictEnsemble(await fitEnsemble(x, y, parameters), x);
    const huber = await fitEnsemble(x, y, { ...parameters, huber: { delta: 1e6, after: 0 } });
    predictEnsemble(huber, x).forEach((value, row) => {
      expect(value).toBeCloseTo(plain[row]!, 3);
    });
  });

  test("reduces the effect of wrong targets on the other rows", async () => {
    const { x, y } = createRandomTable(2000, 3);
    const withWrongTargets = y.map((value, row) => (row % 20 === 0 ? value + 400 : value));
    const computeError = async (huber: BoostingParameters["huber"]) => {
      const ensemble = await fitEnsemble(x, withWrongTargets, { ...XGBOOST_DEFAULTS, maxDepth: 3, huber });
      const predicted = predictEnsemble(ensemble, x);
      return y.reduce((sum, value, row) => sum + (row % 20 ? Math.abs(predicted[row]! - value) : 0), 0);
    };
    expect(await computeError({ delta: 5, after: 20 })).toBeLessThan((await computeError(null)) / 2);
  });

  test("a row with weight 3 counts as three rows", async () => {
    const x = createMatrix([0, 0, 0]);
    const parameters = { ...leaf, rounds: 5, huber: { delta: 2, after: 0 } };
    const weights = Float32Array.of(3, 1, 1);
    const weighted = await fitEnsemble(x, Float32Array.of(1, 4, 9), parameters, { weights });
    const repeated = await fitEnsemble(
      createMatrix([0, 0, 0, 0, 0]),
      Float32Array.of(1, 1, 1, 4, 9),
      parameters,
    );
    const values = ({ trees }: Ensemble) => trees.map(({ value }) => value[0]!);
    values(weighted).forEach((value, i) => {
      expect(value).toBeCloseTo(values(repeated)[i]!, 5);
    });
    expect([...weights]).toEqual([3, 1, 1]);
  });
});
