import { describeError } from "../db/errors.ts";
import type { ServedModel } from "../db/registry/models.ts";
import type { Stone } from "../domain/diamond.ts";
import { formatVersion } from "../domain/models/model-reference.ts";
import {
  compareWithStones,
  type Prediction,
  type PredictionOptions,
  toPrediction,
} from "../domain/prediction/prediction.ts";
import { toSimilarDiamond } from "../domain/prediction/similar-diamond.ts";
import type { Warning } from "../domain/prediction/warning.ts";
import type { AppContext } from "../http/context.ts";
import { findComparables } from "./comparables.ts";
import { explainStone, readBackground } from "./explain.ts";

/**
 * The most stones of a batch that can have explanations or comparable stones. An explanation costs as much as
 * pricing 1,000 stones, and comparable stones are a query.
 */
export const MAX_DETAILED_STONES = 50;

/** What an answer has in addition to the prices. */
export interface AnswerOptions extends PredictionOptions {
  readonly explain: boolean;
  /** Number of comparable stones; undefined for none. */
  readonly comparables?: number | undefined;
}

/**
 * Makes the predictions for stones whose prices are known, with the additions that the caller asked for. The
 * prices do not depend on the additions: if one of them cannot be made, a warning says so.
 * @param prices rounded, US dollars, one for each stone
 */
export async function createDetailedPredictions(
  c: AppContext,
  model: ServedModel,
  stones: readonly Stone[],
  prices: readonly number[],
  { explain, comparables, ...options }: AnswerOptions,
): Promise<Prediction[]> {
  const predictions = stones.map((stone, i) => toPrediction(stone, prices[i]!, model, options));
  const additions: Promise<void>[] = [];
  if (explain) additions.push(addExplanations(c, model, stones, predictions));
  if (comparables !== undefined) additions.push(addComparables(c, model, stones, predictions, comparables));
  if (additions.length > 0) await Promise.all(additions);
  return predictions;
}

async function addExplanations(
  c: AppContext,
  model: ServedModel,
  stones: readonly Stone[],
  predictions: readonly Prediction[],
): Promise<void> {
  const warning: Warning = {
    code: "no-explanation",
    message: `The reasons for the price could not be computed with ${formatVersion(model)}`,
    fields: [],
  };
  for (const prediction of predictions) prediction.explanation = null;
  try {
    const background = await readBackground(c, model);
    if (background === null) return;
    for (const [i, prediction] of predictions.entries()) {
      // Each run takes milliseconds. Other requests are answered in between.
      if (i > 0) await scheduler.wait(0);
      prediction.explanation = await explainStone(c, model, background, stones[i]!, prediction.price);
    }
  } catch (error) {
    c.get("requestContext").diagnostics.push(`no explanation: ${describeError(error)}`);
  }
  for (const prediction of predictions) if (!prediction.explanation) prediction.warnings.push(warning);
}

async function addComparables(
  c: AppContext,
  model: ServedModel,
  stones: readonly Stone[],
  predictions: readonly Prediction[],
  n: number,
): Promise<void> {
  try {
    const found = await findComparables(c, model, stones, n);
    for (const [i, prediction] of predictions.entries()) {
      const similar = (found[i] ?? []).map((stone) => toSimilarDiamond(stone, stones[i]!.carat));
      prediction.comparables = similar;
      prediction.comparison = compareWithStones(prediction.price, similar);
    }
  } catch (error) {
    c.get("requestContext").diagnostics.push(`no comparables: ${describeError(error)}`);
    const message = "The comparable stones could not be read. Try again in a few seconds.";
    for (const prediction of predictions) {
      prediction.warnings.push({ code: "no-comparables", message, fields: [] });
    }
  }
}
