import { beforeAll, describe, expect, test } from "vitest";
import { toAmounts } from "../../../src/domain/prediction/explanation.ts";
import { trainModel } from "../../../training/builders/fit.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../../training/data/source.ts";
import { type Split, splitStones } from "../../../training/data/split.ts";
import { logLinear } from "../../../training/models/log-linear.ts";
import type { TrainedModel } from "../../../training/models/trained-model.ts";
import { type LoadedModel, loadModel } from "../../../training/onnx/runtime.ts";
import { computeEffects, computeEffectsByOrders } from "../../support/explain-model.ts";

let split: Split;
let trained: TrainedModel;
let model: LoadedModel;

beforeAll(async () => {
  const { stones } = await readDataset([createEmbeddedSource()]);
  split = splitStones(
    stones.filter((_, i) => i % 10 === 0),
    42,
  );
  trained = await trainModel(logLinear, split, { seed: 42 });
  model = await loadModel(trained.bytes);
});

describe("the reasons of the log-linear model", () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

  test("equal the closed form from its coefficients", async () => {
    const weights = trained.hyperparameters.weights as number[];
    const { background } = trained;
    const weightOf = (feature: string) => weights[logLinear.featureNames.indexOf(feature)] ?? 0;
    const gradeEffect = (column: "cut" | "color" | "clarity", grade: string) =>
      weightOf(`${column}=${grade}`) -
      mean(background[column].map((other) => weightOf(`${column}=${other}`)));
    for (const stone of split.test.slice(0, 100)) {
      const { effects } = await computeEffects(model, stone, background);
      const expected = [
        weightOf("carat") * (Math.fround(stone.carat) - mean(background.carat)) +
          weightOf("x") * (Math.fround(stone.x) - mean(background.x)),
        gradeEffect("cut", stone.cut),
        gradeEffect("color", stone.color),
        gradeEffect("clarity", stone.clarity),
        0,
      ];
      for (const [i, effect] of effects.entries()) expect(Math.abs(effect - expected[i]!)).toBeLessThan(1e-6);
    }
  });

  test("equal the mean over all orders of the groups, also for a stone without size", async () => {
    for (const [i, stone] of split.test.slice(0, 50).entries()) {
      const { carat, cut, color, clarity, table } = stone;
      const asked = i % 2 === 0 ? stone : { carat, cut, color, clarity, table };
      const { price, basePrice, effects } = await computeEffects(model, asked, trained.background);
      const expected = await computeEffectsByOrders(model, asked, trained.background);
      expect(Math.abs(basePrice / expected.basePrice - 1)).toBeLessThan(1e-9);
      for (const [k, effect] of effects.entries()) {
        expect(Math.abs(effect - expected.effects[k]!)).toBeLessThan(1e-6);
      }
      const product = effects.reduce((result, effect) => result * Math.exp(effect), basePrice);
      const total = toAmounts(basePrice, price, effects).reduce((sum, amount) => sum + amount, basePrice);
      expect(Math.abs(product / price - 1)).toBeLessThan(1e-6);
      expect(Math.abs(total / price - 1)).toBeLessThan(1e-6);
    }
  });

  test("are shown for a cheap, a usual and a dear stone", () => {
    const prices = trained.examples.map(({ price }) => price);
    expect(prices).toHaveLength(3);
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
    for (const { price, explanation } of trained.examples) {
      const total = explanation.reasons.reduce((sum, { amount }) => sum + amount, explanation.basePrice);
      expect(total).toBeCloseTo(price, 6);
    }
  });
});
