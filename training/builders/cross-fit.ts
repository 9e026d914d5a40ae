import type { Matrix } from "../boosting/index.ts";
import type { DatasetStone } from "../data/dataset-stone.ts";
import { assignFolds } from "../data/folds.ts";
import type { FitContext, PriceModel } from "../models/model.ts";
import { limitPrice } from "../models/price-graph.ts";

/** A model that is fitted on four fifths of the stones is nearly as accurate as one that is fitted on all. */
const FOLDS = 5;

/** The features of the training stones, as a model's own graph computes them. */
export interface TrainingFeatures {
  /** With all measurements. */
  readonly withSize: Matrix;
  /** With the measurements that the model completes for a stone that has none. */
  readonly withoutSize: Matrix;
}

/** The prices of the training stones, US dollars, with and without their measurements. */
export interface CrossFittedPrices {
  readonly withSize: Float64Array;
  readonly withoutSize: Float64Array;
}

/**
 * Prices each training stone with a model that was fitted without it and its duplicates.
 * @param prices the real price of each stone, US dollars
 * @returns null if the stones cannot be divided into folds
 */
export async function crossFitPrices(
  priceModel: PriceModel,
  stones: readonly DatasetStone[],
  features: TrainingFeatures,
  prices: Float32Array,
  { seed, onFold }: FitContext,
): Promise<CrossFittedPrices | null> {
  const foldOfRow = assignFolds(stones, FOLDS, seed);
  const crossFitted = {
    withSize: new Float64Array(stones.length),
    withoutSize: new Float64Array(stones.length),
  };
  for (let fold = 0; fold < FOLDS; fold++) {
    onFold?.(fold + 1, FOLDS);
    const included = findRows(foldOfRow, (foldOfThis) => foldOfThis !== fold);
    const excluded = findRows(foldOfRow, (foldOfThis) => foldOfThis === fold);
    if (excluded.length === 0) continue;
    if (included.length === 0) return null;
    const training = {
      features: selectRows(features.withSize, included),
      prices: selectValues(prices, included),
    };
    const model = await priceModel.fit(training, { seed });
    for (const group of ["withSize", "withoutSize"] as const) {
      const predicted = model.predict(selectRows(features[group], excluded));
      for (const [i, row] of excluded.entries()) crossFitted[group][row] = limitPrice(predicted[i]!);
    }
  }
  return crossFitted;
}

function findRows(foldOfRow: readonly number[], isWanted: (fold: number) => boolean): Uint32Array {
  return Uint32Array.from(foldOfRow.keys().filter((row) => isWanted(foldOfRow[row]!)));
}

function selectRows({ columns }: Matrix, rows: Uint32Array): Matrix {
  return { rows: rows.length, columns: columns.map((column) => selectValues(column, rows)) };
}

function selectValues(values: Float32Array, rows: Uint32Array): Float32Array {
  const selected = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i++) selected[i] = values[rows[i]!]!;
  return selected;
}
