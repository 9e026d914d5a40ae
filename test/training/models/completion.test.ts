/**
 * Compares the nodes that complete missing measurements with the same rules in plain code.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MEASUREMENTS, type Measurement, type PricedStone } from "../../../src/domain/diamond.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../../training/data/source.ts";
import {
  addCompletedFeatures,
  type CompletionConstants,
  fitCompletion,
} from "../../../training/models/completion.ts";
import { buildPriceGraph, type PriceNodes } from "../../../training/models/price-graph.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { predictPrices } from "../../../training/onnx/predict-prices.ts";
import { type LoadedModel, loadModel } from "../../../training/onnx/runtime.ts";
import { addStoneInputs } from "../../../training/onnx/stone-inputs.ts";
import { toStoneTensors } from "../../../training/onnx/stone-tensors.ts";
import { MISSING_SUBSETS } from "./missing-subsets.ts";

/** A model whose features are the measurements. Its price is their weighted sum. */
const WEIGHTS = [10, 20, 300, 400, 500];
const weightedSum: PriceNodes = {
  addFeatures: (graph, stone) => graph.stack(MEASUREMENTS.map((name) => stone[name])),
  addPrice: (graph, features) =>
    graph.squeeze(graph.matMul(features, graph.floatConstant(WEIGHTS, [WEIGHTS.length, 1])), 1),
};

type PartialStone = Omit<PricedStone, Measurement> & Partial<Record<Measurement, number>>;

let stones: readonly PricedStone[];
let constants: CompletionConstants;
let model: LoadedModel;

beforeAll(async () => {
  ({ stones } = await readDataset([createEmbeddedSource()]));
  stones = stones.filter((_, i) => i % 1000 === 0);
  constants = fitCompletion(stones);
  const graph = new Graph("completion");
  graph.addOutput(addCompletedFeatures(graph, addStoneInputs(graph), constants, weightedSum), "completed");
  model = await loadModel(graph.toBytes());
});
afterAll(() => model.release());

/** Returns the completed measurements of each stone, in the order of MEASUREMENTS. */
async function complete(batch: readonly PartialStone[]): Promise<number[][]> {
  const { completed } = await model.run(toStoneTensors(batch));
  const width = MEASUREMENTS.length;
  return batch.map((_, row) => Array.from(completed!.data.subarray(row * width, (row + 1) * width)));
}

/** The oracle: completes a stone with float64 numbers, from the definitions of the measurements. */
function completeInPlainCode(stone: PartialStone): number[] {
  const { carat, cut } = stone;
  const ratio = constants.widthRatio;
  const volume = carat * constants.volumePerCarat.get(cut)!;
  const computeLength = () => {
    if (stone.z !== undefined) return Math.sqrt(volume / (ratio * stone.z));
    // volume = x y z with y = ratio x and z = depth (x + y) / 200
    const depth = stone.depth ?? constants.depth.get(cut)!;
    return Math.cbrt((volume * 200) / (depth * ratio * (1 + ratio)));
  };
  const x = stone.x ?? (stone.y !== undefined ? stone.y / ratio : computeLength());
  const y = stone.y ?? x * ratio;
  const z = stone.z ?? (stone.depth !== undefined ? (stone.depth * (x + y)) / 200 : volume / (x * y));
  const depth = stone.depth ?? (200 * z) / (x + y);
  const table = stone.table ?? constants.table.get(cut)!;
  return MEASUREMENTS.map((name) => ({ depth, table, x, y, z })[name]);
}

function removeMeasurements(stone: PricedStone, removed: readonly Measurement[]): PartialStone {
  const kept = Object.entries(stone).filter(([name]) => !removed.some((measurement) => measurement === name));
  return Object.fromEntries(kept) as unknown as PartialStone;
}

describe("missing measurements", () => {
  test.each(MISSING_SUBSETS.map((removed) => [removed.join(", ") || "nothing", removed] as const))(
    "without %s, they are computed from the others, and the others stay",
    async (_, removed) => {
      const batch = stones.map((stone) => removeMeasurements(stone, removed));
      for (const [row, actual] of (await complete(batch)).entries()) {
        const expected = completeInPlainCode(batch[row]!);
        for (const [i, name] of MEASUREMENTS.entries()) {
          if (!removed.includes(name)) expect(actual[i]).toBe(Math.fround(stones[row]![name]));
          else expect(Math.abs(actual[i]! / expected[i]! - 1)).toBeLessThan(1e-6);
        }
      }
    },
  );

  test("a price is the price of the completed stone", async () => {
    const batch = stones.flatMap((stone) =>
      MISSING_SUBSETS.map((removed) => removeMeasurements(stone, removed)),
    );
    const prices = await predictPrices(buildPriceGraph("weighted-sum", constants, weightedSum), batch);
    for (const [row, price] of prices.entries()) {
      const completed = completeInPlainCode(batch[row]!);
      const expected = completed.reduce((sum, value, i) => sum + WEIGHTS[i]! * value, 0);
      expect(Math.abs(price / expected - 1)).toBeLessThan(1e-6);
    }
  });

  test("a stone is completed alike alone and among complete and incomplete stones", async () => {
    const batch = stones.flatMap((stone, i) => [
      stone,
      removeMeasurements(stone, MISSING_SUBSETS[i % MISSING_SUBSETS.length]!),
    ]);
    const together = await complete(batch);
    for (const [row, stone] of batch.entries()) expect(await complete([stone])).toEqual([together[row]]);
  });
});
