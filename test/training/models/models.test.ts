import { readdirSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ModelProtoSchema } from "onnx-buf";
import { beforeAll, describe, expect, test } from "vitest";
import {
  CLARITIES,
  COLORS,
  CUTS,
  MAX_TRAINING_PRICE,
  MAX_VALUE,
  MEASUREMENTS,
  type Measurement,
  MIN_TRAINING_PRICE,
  MIN_TRAINING_VALUE,
  NUMBER_COLUMNS,
  PricedStone,
  Stone,
} from "../../../src/domain/diamond.ts";
import { isTestStone } from "../../../src/domain/split.ts";
import { computeFeatures, computeRelativeDifferences, trainModel } from "../../../training/builders/fit.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import { assignIds, type DatasetStone } from "../../../training/data/dataset-stone.ts";
import { createEmbeddedSource } from "../../../training/data/source.ts";
import type { Split } from "../../../training/data/split.ts";
import { fitCompletion } from "../../../training/models/completion.ts";
import { MODELS } from "../../../training/models/index.ts";
import type { PriceModel } from "../../../training/models/model.ts";
import type { TrainedModel } from "../../../training/models/trained-model.ts";
import { type LoadedModel, loadModel } from "../../../training/onnx/runtime.ts";
import { toStoneTensors } from "../../../training/onnx/stone-tensors.ts";
import { medianPriceModel } from "./median-price.ts";
import { MISSING_SUBSETS } from "./missing-subsets.ts";

const SEED = 42;
/** Most nodes that a run may have, without and with missing measurements. Each takes about 0.4 µs. */
const MAX_NODES: Readonly<Record<string, { complete: number; incomplete: number }>> = {
  "log-linear": { complete: 17, incomplete: 35 },
  "gradient-boosting-notebook": { complete: 13, incomplete: 46 },
  "gradient-boosting": { complete: 27, incomplete: 56 },
};
let split: Split;

beforeAll(async () => {
  const { stones } = await readDataset([createEmbeddedSource()]);
  // Every 15th stone: enough for all grades, and few enough for a fast fit.
  const sample = stones.filter((_, i) => i % 15 === 0);
  const filterSide = (test: boolean) =>
    sample.filter((stone: DatasetStone) => isTestStone(stone.splitKey, SEED) === test);
  split = { train: filterSide(false), test: filterSide(true) };
});

test("MODELS lists every model that a file of the folder exports, and the file has the model's name", async () => {
  const folder = new URL("../../../training/models/", import.meta.url);
  const exported: string[] = [];
  for (const file of readdirSync(folder)) {
    const module: Record<string, unknown> = await import(new URL(file, folder).pathname);
    const models = Object.values(module).filter(isPriceModel);
    for (const model of models) expect(file).toBe(`${model.name}.ts`);
    exported.push(...models.map((model) => model.name));
  }
  expect(exported.length).toBeGreaterThan(0);
  expect(MODELS.map((model) => model.name).sort()).toEqual(exported.sort());
});

describe.each([...MODELS, medianPriceModel])("$name", (kind) => {
  let trained: TrainedModel;
  let model: LoadedModel;

  beforeAll(async () => {
    trained = await trainModel(kind, split, { seed: SEED });
    model = await loadModel(trained.bytes);
  });

  const predictPrices = async (stones: readonly Stone[]) => [
    ...((await model.run(toStoneTensors(stones))).price?.data ?? []),
  ];

  test("has the inputs and the output that every model must have", () => {
    const inputs = Object.fromEntries(
      model.inputs.map(({ name, type, shape }) => [name, [type, shape?.length]]),
    );
    for (const name of NUMBER_COLUMNS) expect(inputs[name]).toEqual(["float32", 1]);
    for (const name of ["cut", "color", "clarity"]) expect(inputs[name]).toEqual(["string", 1]);
    expect(Object.keys(inputs)).toHaveLength(9);
    expect(model.outputs.map(({ name, type }) => [name, type])).toEqual([["price", "float32"]]);
  });

  test("the exported file and the fitted model predict the same prices, to a relative 1e-5", async () => {
    const constants = fitCompletion(split.train);
    const features = await computeFeatures(kind, constants, split.train);
    const prices = Float32Array.from(split.train, (stone) => stone.price);
    const model = await kind.fit({ features, prices }, { seed: SEED });
    // Oracle: the prices of the fitted model in plain code.
    const expected = model.predict(await computeFeatures(kind, constants, split.test));
    expect(trained.prices).toHaveLength(split.test.length);
    expect(Math.max(...computeRelativeDifferences(trained.prices, expected))).toBeLessThan(1e-5);
  });

  test("has metrics for all test stones and for each carat band", () => {
    const { bands, ...all } = trained.metrics;
    expect(all.rows).toBe(split.test.length);
    expect(Object.values(bands).reduce((sum, band) => sum + band.rows, 0)).toBe(all.rows);
    for (const value of Object.values(all)) expect(value).toEqual(expect.any(Number));
  });

  test("a second fit gives the same bytes", async () => {
    const again = await trainModel(kind, split, { seed: SEED });
    expect(again.sha256).toBe(trained.sha256);
  });

  test("the price of a stone does not depend on the other stones, complete or incomplete", async () => {
    // Each stone once complete and once without some measurements.
    const stones = split.test.slice(0, 64).flatMap((stone, i) => {
      const removed = MISSING_SUBSETS[i % MISSING_SUBSETS.length]!;
      return [removeMeasurements(stone, []), removeMeasurements(stone, removed)];
    });
    const batchPrices = await predictPrices(stones);
    for (const [i, stone] of stones.entries()) expect(await predictPrices([stone])).toEqual([batchPrices[i]]);
    const complete = stones.filter((_, i) => i % 2 === 0);
    expect(await predictPrices(complete)).toEqual(batchPrices.filter((_, i) => i % 2 === 0));
  });

  test.runIf(kind.name in MAX_NODES)("runs no more nodes than it needs", () => {
    const { complete, incomplete } = countNodes(trained.bytes);
    expect(complete).toBeLessThanOrEqual(MAX_NODES[kind.name]!.complete);
    expect(incomplete).toBeLessThanOrEqual(MAX_NODES[kind.name]!.incomplete);
  });

  test("predicts a similar price with any measurements missing", async () => {
    const stone = split.test[7]!;
    const fullPrice = (await predictPrices([stone]))[0]!;
    const stones = MISSING_SUBSETS.map((removed) => removeMeasurements(stone, removed));
    for (const [i, value] of (await predictPrices(stones)).entries()) {
      expect(Math.abs(value / fullPrice - 1), `without ${MISSING_SUBSETS[i]?.join(", ")}`).toBeLessThan(0.25);
    }
  });

  test("the price of every stone that the schema accepts is positive and finite", async () => {
    const createNumber = (max: number) => fc.double({ min: 1e-6, max, noNaN: true });
    const stone = fc.record(
      {
        carat: createNumber(MAX_VALUE.carat),
        cut: fc.constantFrom(...CUTS),
        color: fc.constantFrom(...COLORS),
        clarity: fc.constantFrom(...CLARITIES),
        ...Object.fromEntries(MEASUREMENTS.map((name) => [name, createNumber(MAX_VALUE[name])])),
      },
      { requiredKeys: ["carat", "cut", "color", "clarity"] },
    );
    const batches = fc.array(stone, { minLength: 1, maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(batches, async (stones) => {
        for (const value of await predictPrices(stones.map((values) => Stone.parse(values)))) {
          expect(value).toBeGreaterThan(0);
          expect(Number.isFinite(value)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test.each([...MODELS, medianPriceModel])(
  "$name can be fitted with any stones that the schema accepts",
  async (kind) => {
    const limits = {
      measure: [MIN_TRAINING_VALUE, MAX_VALUE.carat],
      price: [MIN_TRAINING_PRICE, MAX_TRAINING_PRICE],
    };
    const extremeStones = limits.measure.flatMap((carat) =>
      limits.measure.flatMap((size) =>
        limits.price.map((price) =>
          PricedStone.parse({
            ...{ carat, cut: "Good", color: "E", clarity: "IF", price },
            ...{ depth: size, table: size, x: size, y: size, z: size },
          }),
        ),
      ),
    );
    const extendedSplit = {
      train: [...split.train, ...assignIds(extremeStones)],
      test: [...split.test, ...assignIds(extremeStones)],
    };
    expect((await trainModel(kind, extendedSplit, { seed: SEED })).metrics.mae).toBeGreaterThan(0);
  },
);

function removeMeasurements(stone: DatasetStone, removed: readonly Measurement[]): Stone {
  const { id: _, splitKey: __, price: ___, ...measured } = stone;
  return Stone.parse(
    Object.fromEntries(Object.entries(measured).filter(([name]) => !removed.includes(name as Measurement))),
  );
}

/** Counts the nodes that run for a batch without, and with, missing measurements. */
function countNodes(bytes: Uint8Array): { complete: number; incomplete: number } {
  const nodes = fromBinary(ModelProtoSchema, bytes).graph!.node;
  const count = (branch: string) =>
    nodes
      .flatMap(({ attribute }) => attribute)
      .filter(({ name }) => name === branch)
      .reduce((sum, { g }) => sum + g!.node.length, nodes.length);
  return { complete: count("else_branch"), incomplete: count("then_branch") };
}

function isPriceModel(value: unknown): value is PriceModel {
  return typeof value === "object" && value !== null && "addFeatures" in value;
}
