import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import type { PricedStone } from "../../src/domain/diamond.ts";
import { type Calibration, QUANTILE_LEVELS } from "../../src/domain/prediction/calibration.ts";
import { dropMeasurements } from "../data/drop-measurements.ts";
import { assignFolds } from "../data/folds.ts";
import type { Split } from "../data/split.ts";
import { type CalibrationStone, calibrateGroup } from "../evaluation/calibrate.ts";
import { explainExamples } from "../evaluation/explain-examples.ts";
import { computeMetrics } from "../evaluation/metrics.ts";
import { computePermutationImportance } from "../evaluation/permutation-importance.ts";
import { computeTrainingStatistics } from "../evaluation/training-statistics.ts";
import type { TrainedModel } from "../models/trained-model.ts";
import { measureAllowedMemory } from "../onnx/measure-memory.ts";
import { predictPrices } from "../onnx/predict-prices.ts";
import type { CrossFittedPrices } from "./cross-fit.ts";

/** An exported model before its evaluation. */
export interface ExportedModel
  extends Pick<TrainedModel, "name" | "bytes" | "hyperparameters" | "fitSeconds"> {
  /** Fraction of the total gain of the splits, by feature; null if unknown. The fractions sum to 1. */
  readonly gain: Readonly<Record<string, number>> | null;
  /** Null for an imported model, which cannot be fitted, and if there are too few stones. */
  readonly crossFittedPrices: CrossFittedPrices | null;
}

/**
 * Computes the metrics of a model from its ONNX file, because this file is what the Worker runs.
 * @throws UserError if the model is too large for the Worker, or has no price for one of the test stones
 */
export async function evaluateModel(
  exportedModel: ExportedModel,
  split: Split,
  seed: number,
): Promise<TrainedModel> {
  const { gain, crossFittedPrices, ...model } = exportedModel;
  // Before the evaluation, which takes long for a large model.
  const memory = await measureAllowedMemory(model.name, model.bytes);
  const prices = await predictPrices(model.bytes, split.test);
  const row = prices.findIndex((price) => !(Number.isFinite(price) && price > 0));
  if (row >= 0) {
    const { id: _, splitKey: __, price: ___, ...stone } = split.test[row]!;
    throw new UserError(
      `${model.name} has no price for a stone: ${prices[row]} for ${JSON.stringify(stone)}`,
    );
  }
  const withoutSize = await predictPrices(model.bytes, dropMeasurements(split.test));
  const permutation = await computePermutationImportance(model.bytes, split.test, prices, seed);
  const statistics = computeTrainingStatistics(split.train, seed);
  return {
    ...model,
    ...statistics,
    sha256: sha256(model.bytes),
    memory,
    prices,
    metrics: computeMetrics(split.test, prices),
    calibration: calibrateModel(split, { withSize: prices, withoutSize }, crossFittedPrices, seed),
    examples: await explainExamples(model.bytes, split.test, statistics.background),
    importance: { gain, permutation },
  };
}

/**
 * Calibrates on the training stones if they have cross-fitted prices. Otherwise on half of the test stones; the
 * coverage is then measured on the other half.
 */
function calibrateModel(
  { train, test }: Split,
  testPrices: { readonly withSize: Float32Array; readonly withoutSize: Float32Array },
  crossFittedPrices: CrossFittedPrices | null,
  seed: number,
): Calibration | null {
  const halfOfRow = assignFolds(test, 2, seed);
  const calibrate = (group: "withSize" | "withoutSize") => {
    const testStones = toCalibrationStones(test, testPrices[group]);
    if (crossFittedPrices !== null) {
      return calibrateGroup(toCalibrationStones(train, crossFittedPrices[group]), testStones);
    }
    const selectHalf = (half: number) => testStones.filter((_, row) => halfOfRow[row] === half);
    return calibrateGroup(selectHalf(0), selectHalf(1));
  };
  const withSize = calibrate("withSize");
  const withoutSize = calibrate("withoutSize");
  if (withSize === null || withoutSize === null) return null;
  const method = crossFittedPrices === null ? "half of the test split" : "cross-fitting";
  return { method, levels: [...QUANTILE_LEVELS], withSize, withoutSize };
}

function toCalibrationStones(stones: readonly PricedStone[], prices: ArrayLike<number>): CalibrationStone[] {
  return stones.map(({ carat, price }, row) => ({ carat, price, predicted: prices[row]! }));
}
