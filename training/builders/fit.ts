import { UserError } from "../../cloudflare/user-error.ts";
import type { Stone } from "../../src/domain/diamond.ts";
import type { Matrix } from "../boosting/index.ts";
import { dropMeasurements } from "../data/drop-measurements.ts";
import type { Split } from "../data/split.ts";
import { addCompletedFeatures, type CompletionConstants, fitCompletion } from "../models/completion.ts";
import type { FitContext, PriceModel } from "../models/model.ts";
import { buildPriceGraph, limitPrice } from "../models/price-graph.ts";
import type { TrainedModel } from "../models/trained-model.ts";
import { Graph } from "../onnx/graph.ts";
import { loadModel } from "../onnx/runtime.ts";
import { addStoneInputs } from "../onnx/stone-inputs.ts";
import { toStoneTensors } from "../onnx/stone-tensors.ts";
import { crossFitPrices } from "./cross-fit.ts";
import { evaluateModel } from "./evaluate-model.ts";
import type { ModelBuilder } from "./model-builder.ts";

/** Largest relative difference between the prices of the exported file and of the fitted model. */
const MAX_EXPORT_DIFFERENCE = 1e-5;

/** Creates a builder that fits the model on the training stones of the run. */
export function createFitBuilder(priceModel: PriceModel): ModelBuilder {
  return {
    name: priceModel.name,
    settings: priceModel.hyperparameters,
    build: (split, context) => trainModel(priceModel, split, context),
  };
}

/**
 * Fits one model on the training stones, exports it and evaluates the exported file on the test stones.
 * @throws UserError if the exported file and the fitted model disagree on the price of a test stone
 */
export async function trainModel(
  priceModel: PriceModel,
  split: Split,
  context: FitContext,
): Promise<TrainedModel> {
  const start = performance.now();
  const constants = fitCompletion(split.train);
  const features = await computeFeatures(priceModel, constants, split.train);
  const prices = Float32Array.from(split.train, (stone) => stone.price);
  const model = await priceModel.fit({ features, prices }, context);
  const fitSeconds = (performance.now() - start) / 1000;
  const withoutSize = await computeFeatures(priceModel, constants, dropMeasurements(split.train));
  const crossFittedPrices = await crossFitPrices(
    priceModel,
    split.train,
    { withSize: features, withoutSize },
    prices,
    context,
  );

  const bytes = buildPriceGraph(priceModel.name, constants, {
    addFeatures: (graph, stone) => priceModel.addFeatures(graph, stone),
    addPrice: (graph, features, carat) => model.addPrice(graph, features, carat),
  });
  const trained = await evaluateModel(
    {
      name: priceModel.name,
      bytes,
      hyperparameters: { ...priceModel.hyperparameters, ...model.fittedParameters },
      fitSeconds,
      gain: model.importance ?? null,
      crossFittedPrices,
    },
    split,
    context.seed,
  );
  const reference = model.predict(await computeFeatures(priceModel, constants, split.test));
  for (const [row, difference] of computeRelativeDifferences(trained.prices, reference).entries()) {
    if (difference <= MAX_EXPORT_DIFFERENCE) continue;
    const stone = JSON.stringify(split.test[row]);
    throw new UserError(
      `${priceModel.name}: the prices of the exported file and the fitted model differ by ${100 * difference} % for ${stone}`,
    );
  }
  return trained;
}

/**
 * Computes the relative difference between the prices of the exported file and of the fitted model, for each
 * stone. The exported graph limits its prices to a range, so the prices of the fitted model are limited to it
 * too.
 */
export function computeRelativeDifferences(
  exported: Float32Array,
  reference: ArrayLike<number>,
): Float64Array {
  return Float64Array.from(exported, (price, row) => {
    const expected = limitPrice(reference[row]!);
    return Math.abs(price - expected) / expected;
  });
}

/**
 * Computes a model's features with its own graph nodes. The fit and the exported file then see the same bits,
 * and no stone can move to the other side of a threshold.
 */
export async function computeFeatures(
  priceModel: PriceModel,
  constants: CompletionConstants,
  stones: readonly Stone[],
): Promise<Matrix> {
  const graph = new Graph(`${priceModel.name}-features`);
  const stone = addStoneInputs(graph);
  graph.addOutput(addCompletedFeatures(graph, stone, constants, priceModel), "features");
  const model = await loadModel(graph.toBytes());
  try {
    const { features } = await model.run(toStoneTensors(stones));
    if (features === undefined) throw new Error(`${priceModel.name}: the graph has no output named features`);
    return toColumns(features.data, stones.length, priceModel.featureNames.length);
  } finally {
    await model.release();
  }
}

function toColumns(values: Float32Array, rows: number, width: number): Matrix {
  const columns = Array.from({ length: width }, (_, column) => {
    const cells = new Float32Array(rows);
    for (let row = 0; row < rows; row++) cells[row] = values[row * width + column]!;
    return cells;
  });
  return { rows, columns };
}
