/** The ranges and reasons of the models of a run, measured on the whole embedded dataset. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  type CoverageFigures,
  computeExpectedErrors,
  computePercentile,
  findDistribution,
} from "../../src/domain/prediction/calibration.ts";
import { toAmounts } from "../../src/domain/prediction/explanation.ts";
import { trainModel } from "../../training/builders/fit.ts";
import { readDataset } from "../../training/data/dataset.ts";
import type { DatasetStone } from "../../training/data/dataset-stone.ts";
import { createEmbeddedSource } from "../../training/data/source.ts";
import { type Split, splitStones } from "../../training/data/split.ts";
import { gradientBoosting } from "../../training/models/gradient-boosting.ts";
import { logLinear } from "../../training/models/log-linear.ts";
import type { TrainedModel } from "../../training/models/trained-model.ts";
import { loadModel } from "../../training/onnx/runtime.ts";
import { computeEffects, computeEffectsByOrders } from "../support/explain-model.ts";

const SEEDS = [42, 1, 2, 3, 4] as const;
const MODELS = [gradientBoosting, logLinear];

let stones: readonly DatasetStone[];
let split: Split;
/** The models of the first seed. */
const trained = new Map<string, TrainedModel>();
/** The measured coverages of 0.9 by model, one for each seed. */
const coverages = new Map<string, number[]>();

const find = ({ coverages: list }: CoverageFigures, coverage: number) =>
  list.find((figures) => figures.coverage === coverage)!;

beforeAll(async () => {
  ({ stones } = await readDataset([createEmbeddedSource()]));
  split = splitStones(stones, SEEDS[0]);
  for (const model of MODELS) {
    for (const seed of SEEDS) {
      const result = await trainModel(model, seed === SEEDS[0] ? split : splitStones(stones, seed), { seed });
      if (seed === SEEDS[0]) trained.set(model.name, result);
      const { measured } = find(result.calibration!.withSize.test, 0.9);
      coverages.set(model.name, [...(coverages.get(model.name) ?? []), measured]);
    }
  }
});

describe.each(MODELS.map(({ name }) => name))("%s", (name) => {
  test.each(["withSize", "withoutSize"] as const)("its ranges hold on test stones, %s", (group) => {
    const { test: figures } = trained.get(name)!.calibration![group];
    expect(Math.abs(find(figures, 0.9).measured - 0.9)).toBeLessThan(0.015);
    expect(Math.abs(find(figures, 0.8).measured - 0.8)).toBeLessThan(0.015);
    expect(Math.abs(find(figures, 0.95).measured - 0.95)).toBeLessThan(0.015);
    for (const band of Object.values(figures.bands).filter(({ rows }) => rows >= 300)) {
      for (const { coverage, measured } of band.coverages) {
        expect(Math.abs(measured - coverage)).toBeLessThan(0.03);
      }
    }
  });

  test("its ranges hold for five splits", () => {
    const list = coverages.get(name)!;
    expect(list).toHaveLength(SEEDS.length);
    expect(Math.abs(list.reduce((sum, value) => sum + value, 0) / list.length - 0.9)).toBeLessThan(0.007);
  });

  test("the percentiles of real prices are uniform", () => {
    const { calibration, prices } = trained.get(name)!;
    const percentiles = split.test.map((stone, row) =>
      computePercentile(findDistribution(calibration!, stone), prices[row]!, stone.price),
    );
    for (let level = 0.1; level < 0.95; level += 0.1) {
      const below = percentiles.filter((percentile) => percentile < level).length / percentiles.length;
      expect(Math.abs(below - level)).toBeLessThan(0.015);
    }
  });

  test("the expected error is close to the real one", () => {
    const { calibration, prices, metrics } = trained.get(name)!;
    const errors = split.test.map(
      (stone, row) => prices[row]! * computeExpectedErrors(findDistribution(calibration!, stone)).absolute,
    );
    const expected = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    expect(Math.abs(expected / metrics.mae - 1)).toBeLessThan(0.06);
  });

  test("its reasons equal the mean over all 120 orders, and lead to the price", async () => {
    const { bytes, background } = trained.get(name)!;
    const model = await loadModel(bytes);
    for (let i = 0; i < 200; i++) {
      const stone = split.test[Math.floor((i * split.test.length) / 200)]!;
      const { price, basePrice, effects } = await computeEffects(model, stone, background);
      const expected = await computeEffectsByOrders(model, stone, background);
      for (const [k, effect] of effects.entries()) {
        expect(Math.abs(Math.exp(effect - expected.effects[k]!) - 1)).toBeLessThan(1e-6);
      }
      const product = effects.reduce((result, effect) => result * Math.exp(effect), basePrice);
      const total = toAmounts(basePrice, price, effects).reduce((sum, amount) => sum + amount, basePrice);
      expect(Math.abs(product / price - 1)).toBeLessThan(1e-6);
      expect(Math.abs(total / price - 1)).toBeLessThan(1e-6);
    }
    await model.release();
  });
});

test("the ranges of the champion are at most 30 % of the price wide, and 40 % narrower than log-linear's", () => {
  const widthOf = (name: string) => find(trained.get(name)!.calibration!.withSize.test, 0.9).medianWidth;
  expect(widthOf("gradient-boosting")).toBeLessThanOrEqual(0.3);
  expect(widthOf("gradient-boosting")).toBeLessThanOrEqual(0.6 * widthOf("log-linear"));
});
