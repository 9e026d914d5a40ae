/** A price this far from the champion's, relative to it, is suspicious. */
export const SUSPICIOUS_DEVIATION = 0.5;
/** With more than this share of suspicious prices a feed is refused as a whole. */
export const SUSPICIOUS_SHARE = 0.2;

/** How fresh prices compare with what the champion would ask. */
export interface FeedCheck {
  readonly refused: boolean;
  readonly suspicious: number;
  readonly rows: number;
  /** Median of the fresh prices over the median of the champion's; 1 where the market stands still. */
  readonly medianRatio: number;
}

/**
 * Checks fresh prices against the champion's for the same stones, both in US dollars. A wrong unit or a
 * shifted column is caught here; a market that moves by a tenth passes.
 */
export function checkFeed(actual: readonly number[], predicted: ArrayLike<number>): FeedCheck {
  const suspicious = actual.filter(
    (price, row) => deviation(price, predicted[row] ?? Number.NaN) > SUSPICIOUS_DEVIATION,
  );
  return {
    refused: suspicious.length > SUSPICIOUS_SHARE * actual.length,
    suspicious: suspicious.length,
    rows: actual.length,
    medianRatio: middle(actual) / middle(predicted),
  };
}

/** How far a price is from the champion's, relative to the champion's. */
export function deviation(actual: number, predicted: number): number {
  return Math.abs(actual - predicted) / predicted;
}

function middle(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
