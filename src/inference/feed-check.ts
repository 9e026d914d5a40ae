import { z } from "zod";
import type { PricedStone } from "../domain/diamond.ts";
import {
  checkFeed,
  type FeedFailure,
  findFeedFailure,
  MAX_SUSPICIOUS_FRACTION,
  MEDIAN_RATIO_RANGE,
  MIN_STONES_FOR_MEDIAN,
  SUSPICIOUS_DEVIATION,
} from "../domain/feed-check.ts";
import { formatVersion, ModelReference } from "../domain/models/model-reference.ts";
import type { Warning } from "../domain/prediction/warning.ts";
import type { AppContext } from "../http/context.ts";
import { NotReady } from "../http/errors.ts";
import { priceWithChampion } from "./predict.ts";

/** The limits of the feed check in percent, for messages and descriptions. */
export const SUSPICIOUS_DEVIATION_PERCENT = SUSPICIOUS_DEVIATION * 100;
export const MAX_SUSPICIOUS_PERCENT = MAX_SUSPICIOUS_FRACTION * 100;
/** When the median ratio of prices fails the check, for descriptions. */
export const MEDIAN_RULE = `the median of price / champion's price is below ${MEDIAN_RATIO_RANGE.min} or above ${MEDIAN_RATIO_RANGE.max} (from ${MIN_STONES_FOR_MEDIAN} new stones on)`;

/** The feed check as the API returns it. */
export const FeedCheckResult = z
  .object({
    model: ModelReference.meta({ description: "The champion that priced the stones for the comparison." }),
    rows: z.number().int().meta({ description: "Number of new stones that were compared." }),
    suspicious: z
      .number()
      .int()
      .meta({
        description: `Number of stones whose price differs from the champion's by more than ${SUSPICIOUS_DEVIATION_PERCENT} %.`,
      }),
    medianRatio: z.number().nullable().meta({
      description:
        "Median of the sent prices, divided by the median of the champion's prices; null if it cannot be computed.",
      example: 1.02,
    }),
    refused: z.boolean().meta({
      description: `True if more than ${MAX_SUSPICIOUS_PERCENT} % of the prices are suspicious, or if ${MEDIAN_RULE}. All new stones are then quarantined.`,
    }),
  })
  .meta({ id: "FeedCheck", description: "Comparison of the sent prices with the champion's prices." });
export type FeedCheckResult = z.infer<typeof FeedCheckResult>;

/** The feed check of a request, and the bound that it exceeds. */
interface RequestCheck {
  readonly result: FeedCheckResult;
  /** Null if the stones are accepted. */
  readonly failure: FeedFailure | null;
}

/**
 * Compares the prices of stones with the champion's prices for them. Returns null if no champion exists yet.
 * @throws ServiceUnavailable
 */
export async function compareWithChampion(
  c: AppContext,
  stones: readonly PricedStone[],
): Promise<RequestCheck | null> {
  try {
    const { model, prices } = await priceWithChampion(c, stones);
    const actual = stones.map((stone) => stone.price);
    const check = checkFeed(actual, prices);
    const result = {
      model: { name: model.name, version: model.version },
      rows: check.rows,
      suspicious: check.suspicious,
      medianRatio: Number.isFinite(check.medianRatio) ? Math.round(check.medianRatio * 1000) / 1000 : null,
      refused: check.rejected,
    };
    return {
      result,
      failure: findFeedFailure(actual, prices, `the prices of ${formatVersion(model)} for these stones`),
    };
  } catch (error) {
    if (error instanceof NotReady) return null;
    throw error;
  }
}

/** The warning for a request whose stones are quarantined. */
export function describeQuarantine({ reason }: FeedFailure): Warning {
  const message = `${reason}. The stones are quarantined: training uses them only if an operator takes them. docs/operate.md ("Stones that the API received") says how to review them and take them, with --accept-feed or by SQL.`;
  return { code: "quarantined", message, fields: [] };
}
