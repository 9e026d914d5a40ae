import { median } from "../lib/statistics.ts";

/** A price that deviates more than this from the champion's price, relative to it, is suspicious. */
export const SUSPICIOUS_DEVIATION = 0.5;
/** A feed is rejected as a whole if more than this fraction of its prices is suspicious. */
export const MAX_SUSPICIOUS_FRACTION = 0.2;
/**
 * A feed is rejected too if the median of price / champion's price is outside of this range. A market that
 * moves by 15 % passes.
 */
export const MEDIAN_RATIO_RANGE = { min: 0.8, max: 1.25 } as const;
/** With fewer stones, the median ratio of honest prices could be outside of the range by chance. */
export const MIN_STONES_FOR_MEDIAN = 30;

/**
 * The bounds that can hold a stone: too many prices far off, the median ratio, and the number of stones that
 * the training takes from one key.
 */
export const FEED_BOUNDS = ["deviation", "median", "quota"] as const;
export type FeedBound = (typeof FEED_BOUNDS)[number];

/** The result of the comparison of new prices with the champion's prices. */
export interface FeedCheck {
  readonly rejected: boolean;
  /** Number of suspicious prices. */
  readonly suspicious: number;
  readonly rows: number;
  /** Median of the new prices divided by the median of the champion's prices; NaN without prices. */
  readonly medianRatio: number;
}

/** A bound that a feed exceeds, and a sentence without a full stop that has the figures. */
export interface FeedFailure {
  readonly bound: FeedBound;
  readonly reason: string;
}

/**
 * Compares new prices with the champion's prices for the same stones, both in US dollars. The check finds a
 * wrong currency, a shifted column, or prices that are all too high. A change of the market by 15 % passes.
 */
export function checkFeed(actual: readonly number[], predicted: ArrayLike<number>): FeedCheck {
  return {
    rejected: findFeedFailure(actual, predicted) !== null,
    suspicious: countSuspicious(actual, predicted),
    rows: actual.length,
    medianRatio: median(actual) / median(predicted),
  };
}

/**
 * Names the bound that new prices exceed; null if they pass.
 * @param predicted the champion's prices for the same stones, US dollars
 * @param champion how the reason names the champion's prices
 */
export function findFeedFailure(
  actual: readonly number[],
  predicted: ArrayLike<number>,
  champion = "the champion's prices",
): FeedFailure | null {
  const rows = actual.length;
  const suspicious = countSuspicious(actual, predicted);
  if (suspicious > MAX_SUSPICIOUS_FRACTION * rows) {
    const ratio = median(actual) / median(predicted);
    const medianPrice = Number.isFinite(ratio)
      ? `; the median price is ${formatRatio(ratio)} times the champion's`
      : "";
    const percent = 100 * SUSPICIOUS_DEVIATION;
    const reason = `${suspicious} of ${rows} new prices differ by more than ${percent} % from ${champion}${medianPrice}`;
    return { bound: "deviation", reason };
  }
  const ratio = computeMedianRatio(actual, predicted);
  const { min, max } = MEDIAN_RATIO_RANGE;
  if (rows < MIN_STONES_FOR_MEDIAN || (ratio >= min && ratio <= max)) return null;
  const reason = `${rows} new prices are ${formatRatio(ratio)} times ${champion} (the median of the ratios); ${min} to ${max} is allowed`;
  return { bound: "median", reason };
}

/** The median of price / champion's price. Stones without a usable price of the champion are left out. */
export function computeMedianRatio(actual: readonly number[], predicted: ArrayLike<number>): number {
  return median(actual.map((price, row) => price / predicted[row]!).filter(Number.isFinite));
}

/** The distance of a price from the champion's price, as a fraction of the champion's price. */
export function relativeDeviation(actual: number, predicted: number): number {
  return Math.abs(actual - predicted) / predicted;
}

/** A price is suspicious too if the champion has no price to compare it with. */
function countSuspicious(actual: readonly number[], predicted: ArrayLike<number>): number {
  return actual.filter((price, row) => {
    const deviation = relativeDeviation(price, predicted[row] ?? Number.NaN);
    return !(deviation >= 0 && deviation <= SUSPICIOUS_DEVIATION);
  }).length;
}

/** Formats a ratio of prices with at most three decimals. */
export function formatRatio(ratio: number): string {
  return String(Math.round(ratio * 1000) / 1000);
}
