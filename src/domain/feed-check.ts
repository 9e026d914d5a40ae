import { median } from "../lib/statistics.ts";

/** A price that deviates more than this from the champion's price, relative to it, is suspicious. */
export const SUSPICIOUS_DEVIATION = 0.5;
/** A feed is rejected as a whole if more than this fraction of its prices is suspicious. */
export const MAX_SUSPICIOUS_FRACTION = 0.2;

/** The result of the comparison of new prices with the champion's prices. */
export interface FeedCheck {
  readonly rejected: boolean;
  /** Number of suspicious prices. */
  readonly suspicious: number;
  readonly rows: number;
  /** Median of the new prices divided by the median of the champion's prices; NaN without prices. */
  readonly medianRatio: number;
}

/**
 * Compares new prices with the champion's prices for the same stones, both in US dollars. The check finds a
 * wrong currency or a shifted column. A change of the market by 10 % passes.
 */
export function checkFeed(actual: readonly number[], predicted: ArrayLike<number>): FeedCheck {
  const suspicious = actual.filter(
    (price, row) => relativeDeviation(price, predicted[row] ?? Number.NaN) > SUSPICIOUS_DEVIATION,
  );
  return {
    rejected: suspicious.length > MAX_SUSPICIOUS_FRACTION * actual.length,
    suspicious: suspicious.length,
    rows: actual.length,
    medianRatio: median(actual) / median(predicted),
  };
}

/** The distance of a price from the champion's price, as a fraction of the champion's price. */
export function relativeDeviation(actual: number, predicted: number): number {
  return Math.abs(actual - predicted) / predicted;
}
