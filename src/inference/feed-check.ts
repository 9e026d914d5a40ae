import { z } from "zod";
import type { PricedStone } from "../domain/diamond.ts";
import { checkFeed, MAX_SUSPICIOUS_FRACTION, SUSPICIOUS_DEVIATION } from "../domain/feed-check.ts";
import { formatVersion, ModelReference } from "../domain/models/model-reference.ts";
import type { Warning } from "../domain/prediction/warning.ts";
import type { AppContext } from "../http/context.ts";
import { NotReady } from "../http/errors.ts";
import { priceWithChampion } from "./predict.ts";

/** The limits of the feed check in percent, for messages and descriptions. */
export const SUSPICIOUS_DEVIATION_PERCENT = SUSPICIOUS_DEVIATION * 100;
export const MAX_SUSPICIOUS_PERCENT = MAX_SUSPICIOUS_FRACTION * 100;

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
      description: `True if more than ${MAX_SUSPICIOUS_PERCENT} % of the prices are suspicious. All new stones are then quarantined.`,
    }),
  })
  .meta({ id: "FeedCheck", description: "Comparison of the sent prices with the champion's prices." });
export type FeedCheckResult = z.infer<typeof FeedCheckResult>;

/**
 * Compares the prices of stones with the champion's prices for them. Returns null if no champion exists yet.
 * @throws ServiceUnavailable
 */
export async function compareWithChampion(
  c: AppContext,
  stones: readonly PricedStone[],
): Promise<FeedCheckResult | null> {
  try {
    const { model, prices } = await priceWithChampion(c, stones);
    const check = checkFeed(
      stones.map((stone) => stone.price),
      prices,
    );
    return {
      model: { name: model.name, version: model.version },
      rows: check.rows,
      suspicious: check.suspicious,
      medianRatio: Number.isFinite(check.medianRatio) ? Math.round(check.medianRatio * 1000) / 1000 : null,
      refused: check.rejected,
    };
  } catch (error) {
    if (error instanceof NotReady) return null;
    throw error;
  }
}

/** The warning for a request whose stones are quarantined. */
export function describeQuarantine({ model, rows, suspicious, medianRatio }: FeedCheckResult): Warning {
  const message = `${suspicious} of ${rows} new prices differ from the prices of ${formatVersion(model)} by more than ${SUSPICIOUS_DEVIATION_PERCENT} %; the median price is ${medianRatio} times the champion's. The stones are quarantined: training uses them only with --accept-feed.`;
  return { code: "quarantined", message, fields: [] };
}
