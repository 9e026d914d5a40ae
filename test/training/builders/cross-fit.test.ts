import { describe, expect, test } from "vitest";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import { crossFitPrices } from "../../../training/builders/cross-fit.ts";
import { assignIds } from "../../../training/data/dataset-stone.ts";
import { assignFolds } from "../../../training/data/folds.ts";
import type { PriceModel } from "../../../training/models/model.ts";

/** Two stones of each weight, which are exact duplicates. Their only feature is their number. */
const stones = assignIds(
  Array.from({ length: 400 }, (_, i): PricedStone => {
    const carat = 0.2 + (i >> 1) / 100;
    return {
      carat,
      cut: "Ideal",
      color: "H",
      clarity: "SI2",
      depth: 62,
      table: 55,
      x: 6,
      y: 6,
      z: 4,
      price: 500,
    };
  }),
);
const numbers = { rows: 400, columns: [Float32Array.from({ length: 400 }, (_, i) => i)] };
const shifted = { rows: 400, columns: [Float32Array.from({ length: 400 }, (_, i) => i + 1000)] };
const prices = new Float32Array(400).fill(500);

/** Remembers the rows of each fit. Its price for a row is 1000 * fit + row. */
function createModel(): { model: PriceModel; fits: Set<number>[] } {
  const fits: Set<number>[] = [];
  const model: PriceModel = {
    name: "spy",
    hyperparameters: {},
    featureNames: ["number"],
    addFeatures: (graph, stone) => graph.unsqueeze(stone.carat, 1),
    async fit({ features, prices: fitted }) {
      expect(fitted).toHaveLength(features.rows);
      const fit = fits.push(new Set(features.columns[0])) - 1;
      return {
        addPrice: (graph) => graph.floatConstant(1),
        predict: ({ columns }) => columns[0]!.map((row) => 10_000 * fit + row),
      };
    },
  };
  return { model, fits };
}

describe("crossFitPrices", () => {
  test("prices each stone, with and without its size, by a model that saw neither it nor its duplicate", async () => {
    const { model, fits } = createModel();
    const folds: string[] = [];
    const crossFitted = await crossFitPrices(
      model,
      stones,
      { withSize: numbers, withoutSize: shifted },
      prices,
      { seed: 42, onFold: (fold, count) => folds.push(`${fold}/${count}`) },
    );
    expect(folds).toEqual(["1/5", "2/5", "3/5", "4/5", "5/5"]);
    for (let row = 0; row < 400; row++) {
      const withSize = crossFitted!.withSize[row]!;
      const fit = fits[Math.floor(withSize / 10_000)]!;
      expect(Math.max(1, row)).toBe(withSize % 10_000 || 1);
      expect(fit.has(row) || fit.has(row ^ 1)).toBe(false);
      expect(fit.size).toBeGreaterThan(250);
      expect(crossFitted!.withoutSize[row]).toBe(10_000 * Math.floor(withSize / 10_000) + row + 1000);
    }
  });

  test("limits prices as the exported graph does", async () => {
    const { model } = createModel();
    const negative: PriceModel = {
      ...model,
      fit: async () => ({
        addPrice: (graph) => graph.floatConstant(1),
        predict: ({ rows }) => new Float32Array(rows).fill(-5),
      }),
    };
    const crossFitted = await crossFitPrices(
      negative,
      stones,
      { withSize: numbers, withoutSize: shifted },
      prices,
      { seed: 1 },
    );
    expect(new Set(crossFitted?.withSize)).toEqual(new Set([1]));
  });

  test("is null if all stones are the same, so that no fold can be priced", async () => {
    const same = stones.map(() => stones[0]!);
    const features = { withSize: numbers, withoutSize: shifted };
    expect(await crossFitPrices(createModel().model, same, features, prices, { seed: 1 })).toBeNull();
  });
});

describe("assignFolds", () => {
  test("gives folds of about the same size, which depend on the seed", () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({ splitKey: i * 7919 }));
    const folds = assignFolds(many, 5, 42);
    for (let fold = 0; fold < 5; fold++) {
      expect(Math.abs(folds.filter((other) => other === fold).length - 4000)).toBeLessThan(250);
    }
    expect(assignFolds(many, 5, 42)).toEqual(folds);
    expect(assignFolds(many.slice(100), 5, 42)).toEqual(folds.slice(100));
    const same = assignFolds(many, 5, 43).filter((fold, i) => fold === folds[i]).length;
    expect(same).toBeLessThan(5000);
  });
});
