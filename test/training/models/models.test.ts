import { readdirSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  CLARITIES,
  COLORS,
  CUTS,
  MAX_MEASURE,
  MAX_PRICE,
  MEASUREMENTS,
  type Measurement,
  MIN_MEASURE,
  MIN_PRICE,
  NUMBER_COLUMNS,
  PricedStone,
  Stone,
} from "../../../src/domain/diamond.ts";
import { isTestStone } from "../../../src/domain/split.ts";
import { computeFeatures, relativeDifferences, trainModel } from "../../../training/builders/fit.ts";
import type { Split, TrainedModel } from "../../../training/builders/model-builder.ts";
import { assignIds, type DatasetStone, readDataset } from "../../../training/data/dataset.ts";
import { embeddedSource } from "../../../training/data/source.ts";
import { fitCompletion } from "../../../training/models/completion.ts";
import { MODELS } from "../../../training/models/index.ts";
import { createModel, type Model } from "../../../training/onnx/runtime.ts";
import { stoneTensors } from "../../../training/onnx/stone-tensors.ts";
import { medianPrice } from "./median-price.ts";

const SEED = 42;
let split: Split;

beforeAll(async () => {
  const { stones } = await readDataset([embeddedSource()]);
  // Every ninth stone: all grades, quick to fit.
  const some = stones.filter((_, i) => i % 9 === 0);
  const side = (test: boolean) =>
    some.filter((stone: DatasetStone) => isTestStone(stone.splitKey, SEED) === test);
  split = { train: side(false), test: side(true) };
});

test("every file of the folder that exports a model is in the list", () => {
  const support = ["boosted-trees.ts", "completion.ts", "grades.ts", "index.ts", "model.ts"];
  const files = readdirSync(new URL("../../../training/models", import.meta.url)).filter(
    (f) => !support.includes(f),
  );
  expect(MODELS.map((model) => `${model.name}.ts`).sort()).toEqual(files.sort());
});

describe.each([...MODELS, medianPrice])("$name", (kind) => {
  let trained: TrainedModel;
  let model: Model;

  beforeAll(async () => {
    trained = await trainModel(kind, split, { seed: SEED });
    model = await createModel(trained.bytes);
  });

  const price = async (stones: readonly Stone[]) => [
    ...((await model.run(stoneTensors(stones))).price?.data ?? []),
  ];

  test("has the inputs and the output of every Facet model", () => {
    const inputs = Object.fromEntries(
      model.inputs.map(({ name, type, shape }) => [name, [type, shape?.length]]),
    );
    for (const name of NUMBER_COLUMNS) expect(inputs[name]).toEqual(["float32", 1]);
    for (const name of ["cut", "color", "clarity"]) expect(inputs[name]).toEqual(["string", 1]);
    expect(Object.keys(inputs)).toHaveLength(9);
    expect(model.outputs.map(({ name, type }) => [name, type])).toEqual([["price", "float32"]]);
  });

  test("prices every test stone as the fitted model does, to a relative 1e-5", async () => {
    const constants = fitCompletion(split.train);
    const features = await computeFeatures(kind, constants, split.train);
    const prices = Float32Array.from(split.train, (stone) => stone.price);
    const model = await kind.fit({ features, prices }, { seed: SEED });
    const own = model.predict(await computeFeatures(kind, constants, split.test));
    expect(trained.prices).toHaveLength(split.test.length);
    expect(Math.max(...relativeDifferences(trained.prices, own))).toBeLessThan(1e-5);
  });

  test("has metrics over all test stones and by carat band", () => {
    const { bands, ...all } = trained.metrics;
    expect(all.rows).toBe(split.test.length);
    expect(Object.values(bands).reduce((sum, band) => sum + band.rows, 0)).toBe(all.rows);
    for (const value of Object.values(all)) expect(value).toEqual(expect.any(Number));
  });

  test("is the same to the byte when fitted again", async () => {
    const again = await trainModel(kind, split, { seed: SEED });
    expect(again.sha256).toBe(trained.sha256);
  });

  test("a stone has the same price alone as among others", async () => {
    const stones = split.test.slice(0, 50);
    const together = await price(stones);
    for (const [i, stone] of stones.entries()) expect(await price([stone])).toEqual([together[i]]);
  });

  test("prices a stone whatever measurements are missing", async () => {
    const known = split.test[7]!;
    const full = (await price([known]))[0]!;
    const subsets = Array.from({ length: 2 ** MEASUREMENTS.length }, (_, bits) =>
      MEASUREMENTS.filter((_, i) => bits & (1 << i)),
    );
    const stones = subsets.map((left) => without(known, left));
    for (const [i, value] of (await price(stones)).entries()) {
      expect(Math.abs(value / full - 1), `without ${subsets[i]?.join(", ")}`).toBeLessThan(0.25);
    }
  });

  test("refuses nothing that the schema accepts: the price is positive and finite", async () => {
    const number = (max: number) => fc.double({ min: 1e-6, max, noNaN: true });
    const stone = fc.record(
      {
        carat: number(MAX_MEASURE.carat),
        cut: fc.constantFrom(...CUTS),
        color: fc.constantFrom(...COLORS),
        clarity: fc.constantFrom(...CLARITIES),
        ...Object.fromEntries(MEASUREMENTS.map((name) => [name, number(MAX_MEASURE[name])])),
      },
      { requiredKeys: ["carat", "cut", "color", "clarity"] },
    );
    const some = fc.array(stone, { minLength: 1, maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(some, async (stones) => {
        for (const value of await price(stones.map((one) => Stone.parse(one)))) {
          expect(value).toBeGreaterThan(0);
          expect(Number.isFinite(value)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test.each([...MODELS, medianPrice])(
  "$name is fitted whatever stones the schema accepts are among others",
  async (kind) => {
    const ends = { measure: [MIN_MEASURE, MAX_MEASURE.carat], price: [MIN_PRICE, MAX_PRICE] };
    const absurd = ends.measure.flatMap((carat) =>
      ends.measure.flatMap((size) =>
        ends.price.map((price) =>
          PricedStone.parse({
            ...{ carat, cut: "Good", color: "E", clarity: "IF", price },
            ...{ depth: size, table: size, x: size, y: size, z: size },
          }),
        ),
      ),
    );
    const all = {
      train: [...split.train, ...assignIds(absurd)],
      test: [...split.test, ...assignIds(absurd)],
    };
    expect((await trainModel(kind, all, { seed: SEED })).metrics.mae).toBeGreaterThan(0);
  },
);

function without(stone: DatasetStone, left: readonly Measurement[]): Stone {
  const { id: _, splitKey: __, price: ___, ...measured } = stone;
  return Stone.parse(
    Object.fromEntries(Object.entries(measured).filter(([name]) => !left.includes(name as Measurement))),
  );
}
