import { describe, expect, test } from "vitest";
import {
  type BoostingParameters,
  type Ensemble,
  fitEnsemble,
  gainImportance,
  type Matrix,
  predictEnsemble,
  XGBOOST_DEFAULTS,
} from "../../../training/boosting/index.ts";
import { randomTable } from "./tables.ts";

const ONE = { ...XGBOOST_DEFAULTS, rounds: 1, baseScore: 0 } as const;

function matrix(...columns: number[][]): Matrix {
  return { rows: columns[0]!.length, columns: columns.map((column) => Float32Array.from(column)) };
}

describe("trees computed by hand", () => {
  test("one split: weights are -G / (H + lambda), times eta", async () => {
    const x = matrix([1, 2, 3, 4]);
    const { trees } = await fitEnsemble(x, Float32Array.of(1, 1, 5, 5), { ...ONE, maxDepth: 1, eta: 0.5 });
    const [tree] = trees;
    expect(tree!.feature[0]).toBe(0);
    expect(tree!.threshold[0]).toBe(3);
    expect([...tree!.left]).toEqual([1, -1, -1]);
    expect([...tree!.right]).toEqual([2, -1, -1]);
    // Left: G = -2, H = 2, so 2/3; right: G = -10, so 10/3; halved by eta.
    expect(tree!.value[1]).toBeCloseTo(1 / 3, 6);
    expect(tree!.value[2]).toBeCloseTo(5 / 3, 6);
    // 4/3 + 100/3 - 144/5
    expect(tree!.gain[0]).toBeCloseTo(104 / 3 - 144 / 5, 5);
    expect([...tree!.cover]).toEqual([4, 2, 2]);
  });

  test("a value equal to the threshold goes right, a missing one where it gained", async () => {
    const x = matrix([1, 1, 2, 2, Number.NaN]);
    const y = Float32Array.of(0, 0, 9, 9, 9);
    const ensemble = await fitEnsemble(x, y, { ...ONE, maxDepth: 1, lambda: 0, eta: 1 });
    expect(ensemble.trees[0]!.defaultLeft[0]).toBe(0);
    expect([...predictEnsemble(ensemble, matrix([1.99, 2, Number.NaN]))]).toEqual([0, 9, 9]);
    const mirrored = await fitEnsemble(x, Float32Array.of(9, 9, 0, 0, 9), {
      ...ONE,
      maxDepth: 1,
      lambda: 0,
      eta: 1,
    });
    expect(mirrored.trees[0]!.defaultLeft[0]).toBe(1);
    expect([...predictEnsemble(mirrored, matrix([1.99, 2, Number.NaN]))]).toEqual([9, 0, 9]);
  });

  test("missing against present, where nothing else differs", async () => {
    const x = matrix([3, 3, Number.NaN, Number.NaN]);
    const ensemble = await fitEnsemble(x, Float32Array.of(1, 1, 7, 7), {
      ...ONE,
      maxDepth: 2,
      lambda: 0,
      eta: 1,
    });
    expect([...predictEnsemble(ensemble, matrix([-1e30, 3, Number.NaN]))]).toEqual([1, 1, 7]);
  });

  test("gamma, alpha and minChildWeight each stop a split", async () => {
    const x = matrix([1, 2, 3, 4]);
    const y = Float32Array.of(1, 1, 5, 5);
    const leaves = async (change: object) =>
      (await fitEnsemble(x, y, { ...ONE, maxDepth: 1, ...change })).trees[0]!.left.length;
    expect(await leaves({})).toBe(3);
    expect(await leaves({ gamma: 6 })).toBe(1);
    expect(await leaves({ alpha: 10 })).toBe(1);
    expect(await leaves({ minChildWeight: 3 })).toBe(1);
  });
});

describe("tables that have nothing to split", () => {
  test.each([
    ["a single row", matrix([4]), [10]],
    ["a constant feature", matrix([4, 4, 4]), [9, 10, 11]],
    ["a feature that is missing everywhere", matrix([Number.NaN, Number.NaN]), [9, 11]],
    ["no feature", { rows: 2, columns: [] }, [9, 11]],
  ])("%s", async (_, x, y) => {
    const ensemble = await fitEnsemble(x, Float32Array.from(y), { ...XGBOOST_DEFAULTS, rounds: 3 });
    expect(ensemble.trees.map((tree) => tree.left.length)).toEqual([1, 1, 1]);
    for (const price of predictEnsemble(ensemble, x)) expect(price).toBeCloseTo(10, 4);
    expect([...gainImportance(ensemble)]).toEqual(x.columns.map(() => 0));
  });

  test("depth 0: every tree is a leaf, and boosting reaches the mean", async () => {
    const { x, y } = randomTable(50, 2);
    const ensemble = await fitEnsemble(x, y, { ...XGBOOST_DEFAULTS, maxDepth: 0, baseScore: 0 });
    const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
    expect(predictEnsemble(ensemble, x)[0]).toBeCloseTo(mean, 3);
  });

  test("no rounds: the base score", async () => {
    const ensemble = await fitEnsemble(matrix([1, 2]), Float32Array.of(3, 5), {
      ...XGBOOST_DEFAULTS,
      rounds: 0,
    });
    expect([...predictEnsemble(ensemble, matrix([1]))]).toEqual([4]);
  });
});

describe("what is refused", () => {
  const { x, y } = randomTable(10, 2);
  test.each([
    ["maxBin 257", { maxBin: 257 }, /maxBin must be a whole number from 2 to 256, not 257/],
    ["a constraint too few", { monotone: [1] }, /monotone must be empty or 2 long/],
    ["NaN as eta", { eta: Number.NaN }, /eta must be above 0/],
    ["Huber's delta of 0", { huber: { delta: 0, after: 0 } }, /huber must be null, or have a delta above 0/],
    ["half a round", { huber: { delta: 1, after: 0.5 } }, /whole rounds/],
  ])("%s", async (_, change, message) => {
    await expect(fitEnsemble(x, y, { ...XGBOOST_DEFAULTS, ...change })).rejects.toThrow(message);
  });

  test("an infinite feature, a target that is no number, weights of another length", async () => {
    const infinite = matrix([1, Number.POSITIVE_INFINITY]);
    await expect(fitEnsemble(infinite, Float32Array.of(1, 2), ONE)).rejects.toThrow(/feature 0 is infinite/);
    await expect(
      fitEnsemble(
        x,
        y.map(() => Number.NaN),
        ONE,
      ),
    ).rejects.toThrow(/target is not finite/);
    await expect(fitEnsemble(x, y, ONE, { weights: new Float32Array(3) })).rejects.toThrow(
      /3 weights for 10 rows/,
    );
  });

  test("a fit that was called off", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(fitEnsemble(x, y, XGBOOST_DEFAULTS, { signal })).rejects.toThrow("enough");
  });
});

describe("monotone constraints", () => {
  test.each([1, -1])("sign %i holds everywhere, also against the data", async (sign) => {
    const { x, y } = randomTable(400, 3, { seed: 4 });
    const ensemble = await fitEnsemble(x, y, { ...XGBOOST_DEFAULTS, rounds: 20, monotone: [sign, 0, 0] });
    const steps = Array.from({ length: 41 }, (_, i) => i / 8);
    for (let row = 0; row < 20; row++) {
      const line = matrix(steps, ...x.columns.slice(1).map((column) => steps.map(() => column[row]!)));
      const along = predictEnsemble(ensemble, line);
      for (let i = 1; i < along.length; i++)
        expect((along[i]! - along[i - 1]!) * sign).toBeGreaterThanOrEqual(-1e-3);
    }
  });
});

describe("early stopping", () => {
  test("keeps the rounds up to the least error on the validation rows", async () => {
    const train = randomTable(60, 4, { seed: 2, levels: 50 });
    const { x, y } = randomTable(200, 4, { seed: 3, levels: 50 });
    const parameters = { ...XGBOOST_DEFAULTS, rounds: 200 };
    const mae = (predicted: Float32Array, actual: Float32Array) =>
      predicted.reduce((sum, value, row) => sum + Math.abs(value - actual[row]!), 0) / actual.length;
    const full = await fitEnsemble(train.x, train.y, parameters);
    const errors = Array.from({ length: 201 }, (_, rounds) =>
      mae(predictEnsemble({ ...full, trees: full.trees.slice(0, rounds) }, x), y),
    );
    const best = errors.indexOf(Math.min(...errors));
    const rounds: number[] = [];
    const stopped = await fitEnsemble(train.x, train.y, parameters, {
      validation: { x, y, patience: 30, metric: mae },
      onRound: (done) => rounds.push(done),
    });
    expect(best).toBeGreaterThan(0);
    expect(best).toBeLessThan(170);
    expect(stopped.trees).toEqual(full.trees.slice(0, best));
    expect(rounds.at(-1)).toBe(best + 30);
  });
});

describe("weights", () => {
  test("a row of weight 3 counts as three rows", async () => {
    const { x, y } = randomTable(80, 2, { levels: 8 });
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
  const leaf = { ...ONE, maxDepth: 0, lambda: 0, eta: 1 };

  test("computed by hand: a residual of 9 counts a ninth where delta is 1", async () => {
    const x = matrix([0, 0, 0, 0]);
    const y = Float32Array.of(1, 1, 1, 9);
    const from = (rounds: number) => ({ ...leaf, rounds: 2, huber: { delta: 1, after: rounds } });
    const [first, second] = (await fitEnsemble(x, y, from(0))).trees.map(({ value }) => value[0]!);
    // (1 + 1 + 1 + 9 / 9) / (3 + 1 / 9)
    expect(first).toBeCloseTo(9 / 7, 6);
    // Residuals are then -2/7 three times, and 54/7, which counts 7/54.
    expect(second).toBeCloseTo((-6 / 7 + 1) / (3 + 7 / 54), 6);
    const later = (await fitEnsemble(x, y, from(1))).trees.map(({ value }) => value[0]!);
    expect(later[0]).toBeCloseTo(3, 6);
    // Residuals of -2, -2, -2 and 6, which count 1/2 and 1/6.
    expect(later[1]).toBeCloseTo((-3 + 1) / (3 / 2 + 1 / 6), 6);
  });

  test("is the squared error where no residual is above delta", async () => {
    const { x, y } = randomTable(300, 3);
    const parameters = { ...XGBOOST_DEFAULTS, rounds: 10 };
    const plain = predictEnsemble(await fitEnsemble(x, y, parameters), x);
    const huber = await fitEnsemble(x, y, { ...parameters, huber: { delta: 1e6, after: 0 } });
    predictEnsemble(huber, x).forEach((value, row) => {
      expect(value).toBeCloseTo(plain[row]!, 3);
    });
  });

  test("lets wrong targets pull less at the others", async () => {
    const { x, y } = randomTable(2000, 3);
    const wrong = y.map((value, row) => (row % 20 === 0 ? value + 400 : value));
    const error = async (huber: BoostingParameters["huber"]) => {
      const ensemble = await fitEnsemble(x, wrong, { ...XGBOOST_DEFAULTS, maxDepth: 3, huber });
      const own = predictEnsemble(ensemble, x);
      return y.reduce((sum, value, row) => sum + (row % 20 ? Math.abs(own[row]! - value) : 0), 0);
    };
    expect(await error({ delta: 5, after: 20 })).toBeLessThan((await error(null)) / 2);
  });

  test("a row of weight 3 counts as three rows", async () => {
    const x = matrix([0, 0, 0]);
    const parameters = { ...leaf, rounds: 5, huber: { delta: 2, after: 0 } };
    const weights = Float32Array.of(3, 1, 1);
    const weighted = await fitEnsemble(x, Float32Array.of(1, 4, 9), parameters, { weights });
    const repeated = await fitEnsemble(matrix([0, 0, 0, 0, 0]), Float32Array.of(1, 1, 1, 4, 9), parameters);
    const values = ({ trees }: Ensemble) => trees.map(({ value }) => value[0]!);
    values(weighted).forEach((value, i) => {
      expect(value).toBeCloseTo(values(repeated)[i]!, 5);
    });
    expect([...weights]).toEqual([3, 1, 1]);
  });
});
