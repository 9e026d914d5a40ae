import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { NUMBER_COLUMNS, type PricedStone } from "../../src/domain/diamond.ts";
import type { Ranges } from "../../src/domain/models/model-record.ts";
import type { Split } from "../data/split.ts";
import { computeMetrics } from "../evaluation/metrics.ts";
import { computePermutationImportance } from "../evaluation/permutation-importance.ts";
import type { TrainedModel } from "../models/trained-model.ts";
import { predictPrices } from "../onnx/predict-prices.ts";

/** An exported model before its evaluation. */
export interface ExportedModel
  extends Pick<TrainedModel, "name" | "bytes" | "hyperparameters" | "fitSeconds"> {
  /** Fraction of the total gain of the splits, by feature; null if unknown. The fractions sum to 1. */
  readonly gain: Readonly<Record<string, number>> | null;
}

/**
 * Computes the metrics of a model from its ONNX file, because this file is what the Worker runs.
 * @throws UserError if the model has no price for one of the test stones
 */
export async function evaluateModel(
  exportedModel: ExportedModel,
  split: Split,
  seed: number,
): Promise<TrainedModel> {
  const { gain, ...model } = exportedModel;
  const prices = await predictPrices(model.bytes, split.test);
  const row = prices.findIndex((price) => !(Number.isFinite(price) && price > 0));
  if (row >= 0) {
    const { id: _, splitKey: __, price: ___, ...stone } = split.test[row]!;
    throw new UserError(
      `${model.name} has no price for a stone: ${prices[row]} for ${JSON.stringify(stone)}`,
    );
  }
  const permutation = await computePermutationImportance(model.bytes, split.test, prices, seed);
  return {
    ...model,
    sha256: sha256(model.bytes),
    prices,
    metrics: computeMetrics(split.test, prices),
    ranges: computeRanges(split.train),
    importance: { gain, permutation },
  };
}

function computeRanges(stones: readonly PricedStone[]): Ranges {
  return Object.fromEntries(
    NUMBER_COLUMNS.map((name) => {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (const stone of stones) {
        low = Math.min(low, stone[name]);
        high = Math.max(high, stone[name]);
      }
      return [name, [low, high]];
    }),
  );
}
