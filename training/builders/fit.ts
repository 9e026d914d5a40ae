import { UserError } from "../../cloudflare/user-error.ts";
import type { Matrix } from "../boosting/index.ts";
import type { DatasetStone } from "../data/dataset.ts";
import { type CompletionConstants, complete, fitCompletion } from "../models/completion.ts";
import type { PriceModel } from "../models/model.ts";
import { HIGHEST_PRICE, LOWEST_PRICE, priceGraph, stoneInputs } from "../models/price-graph.ts";
import { Graph } from "../onnx/graph.ts";
import { createModel } from "../onnx/runtime.ts";
import { stoneTensors } from "../onnx/stone-tensors.ts";
import {
  type BuildContext,
  evaluateModel,
  type ModelBuilder,
  type Split,
  type TrainedModel,
} from "./model-builder.ts";

/** Above this relative difference the exported file is not the model that was fitted. */
const PARITY = 1e-5;

/** A kind of model as a candidate: fitted on the training stones of the run. */
export function createFitBuilder(kind: PriceModel): ModelBuilder {
  return {
    name: kind.name,
    settings: kind.hyperparameters,
    build: (split, context) => trainModel(kind, split, context),
  };
}

/**
 * Fits one model on the training stones, exports it and measures the exported file on the test stones.
 * @throws Failure where the exported file does not price a stone as the fitted model does.
 */
export async function trainModel(
  kind: PriceModel,
  split: Split,
  context: BuildContext,
): Promise<TrainedModel> {
  const start = performance.now();
  const constants = fitCompletion(split.train);
  const features = await computeFeatures(kind, constants, split.train);
  const prices = Float32Array.from(split.train, (stone) => stone.price);
  const model = await kind.fit({ features, prices }, context);
  const fitSeconds = (performance.now() - start) / 1000;

  const bytes = priceGraph(kind.name, constants, (graph, stone) =>
    model.price(graph, kind.features(graph, stone)),
  );
  const trained = await evaluateModel(
    {
      name: kind.name,
      bytes,
      hyperparameters: { ...kind.hyperparameters, ...model.settled },
      fitSeconds,
      gain: model.importance ?? null,
    },
    split,
    context.seed,
  );
  const reference = model.predict(await computeFeatures(kind, constants, split.test));
  for (const [row, difference] of relativeDifferences(trained.prices, reference).entries()) {
    if (difference <= PARITY) continue;
    const stone = JSON.stringify(split.test[row]);
    throw new UserError(
      `${kind.name}: the exported file prices ${stone} ${difference} away from the fitted model`,
    );
  }
  return trained;
}

/** How far the exported file's prices are from the learner's own, relative to them, stone by stone. */
export function relativeDifferences(exported: Float32Array, reference: ArrayLike<number>): Float64Array {
  return Float64Array.from(exported, (price, row) => {
    const expected = Math.min(Math.max(reference[row]!, LOWEST_PRICE), HIGHEST_PRICE);
    return Math.abs(price - expected) / expected;
  });
}

/**
 * Runs a model's feature nodes over stones: what the learner sees is what the exported graph computes,
 * to the bit, so that no row can fall on the other side of a threshold later.
 */
export async function computeFeatures(
  kind: PriceModel,
  constants: CompletionConstants,
  stones: readonly DatasetStone[],
): Promise<Matrix> {
  const graph = new Graph(`${kind.name}-features`);
  graph.output(kind.features(graph, complete(graph, stoneInputs(graph), constants)), "features");
  const model = await createModel(graph.toBytes());
  try {
    const { features } = await model.run(stoneTensors(stones));
    if (features === undefined) throw new UserError(`${kind.name}: no features`);
    return toColumns(features.data, stones.length, kind.featureNames.length);
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
