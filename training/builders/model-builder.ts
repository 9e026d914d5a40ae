import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { NUMBER_COLUMNS, type PricedStone } from "../../src/domain/diamond.ts";
import type { Importance, Metrics, Ranges } from "../../src/domain/model-record.ts";
import type { DatasetStone } from "../data/dataset.ts";
import { evaluateStones } from "../evaluation/evaluate.ts";
import { permutationImportance } from "../evaluation/importance.ts";
import { predictPrices } from "../onnx/predict-prices.ts";

/** Both sides of the split. */
export interface Split {
  readonly train: readonly DatasetStone[];
  readonly test: readonly DatasetStone[];
}

export interface BuildContext {
  readonly seed: number;
  /** Told as the work goes on, for the progress display. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a run can make a model from: a kind that is fitted here, or a file from elsewhere. */
export interface ModelBuilder {
  readonly name: string;
  /** What decides how the model turns out, beside data and seed. */
  readonly settings: Readonly<Record<string, unknown>>;
  build(split: Split, context: BuildContext): Promise<TrainedModel>;
}

/** A model that is ready to be judged and published. */
export interface TrainedModel {
  readonly name: string;
  /** The ONNX file: the whole model. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** From the ONNX file, over the test stones. */
  readonly metrics: Metrics;
  /** The ONNX file's price of each test stone, US dollars. */
  readonly prices: Float32Array;
  readonly ranges: Ranges;
  readonly fitSeconds: number;
  readonly importance: Importance;
}

/** A model under the version that it would be published as. */
export type VersionedModel = TrainedModel & { readonly version: number };

/**
 * Measures an ONNX file on the test stones: what is evaluated is what ships.
 * @throws Failure where it has no price for one of them.
 */
export async function evaluateModel(
  model: Pick<TrainedModel, "name" | "bytes" | "hyperparameters" | "fitSeconds"> & {
    readonly gain: Readonly<Record<string, number>> | null;
  },
  split: Split,
  seed: number,
): Promise<TrainedModel> {
  const { gain, ...made } = model;
  const prices = await predictPrices(made.bytes, split.test);
  const row = prices.findIndex((price) => !(Number.isFinite(price) && price > 0));
  if (row >= 0) {
    const { id: _, splitKey: __, price: ___, ...stone } = split.test[row]!;
    throw new UserError(`${made.name} has no price for a stone: ${prices[row]} for ${JSON.stringify(stone)}`);
  }
  return {
    ...made,
    sha256: sha256(made.bytes),
    prices,
    metrics: evaluateStones(split.test, prices),
    ranges: rangesOf(split.train),
    importance: { gain, permutation: await permutationImportance(made.bytes, split.test, prices, seed) },
  };
}

function rangesOf(stones: readonly PricedStone[]): Ranges {
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
