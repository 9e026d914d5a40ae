import {
  computeMedianRatio,
  type FeedBound,
  formatRatio,
  MAX_SUSPICIOUS_FRACTION,
  MEDIAN_RATIO_RANGE,
  SUSPICIOUS_DEVIATION,
} from "../../src/domain/feed-check.ts";
import { formatCount } from "../report/format.ts";
import type { NewAppraisal } from "./check-prices.ts";
import { MAX_KEY_FRACTION } from "./limit-keys.ts";
import type { AppraisalReview } from "./review.ts";

/** Further keys are counted in one line. */
const MAX_LINES = 20;

const BOUND_DESCRIPTIONS: Record<FeedBound, string> = {
  deviation: `more than ${100 * MAX_SUSPICIOUS_FRACTION} % of the prices are more than ${100 * SUSPICIOUS_DEVIATION} % away from the champion's`,
  median: `the median of price / champion's price is outside of ${MEDIAN_RATIO_RANGE.min} to ${MEDIAN_RATIO_RANGE.max}`,
  quota: `over the quota of a key (${100 * MAX_KEY_FRACTION} % of the stones of others; less in a carat band or grade with prices far off)`,
};
const UNKNOWN_BOUND = "quarantined by an earlier version";

interface Held {
  readonly appraisal: NewAppraisal;
  readonly bound: FeedBound | null;
  readonly isNew: boolean;
}

/**
 * Describes the stones that a run holds, or has taken with `--accept-feed`: a line for each key and bound with
 * the number of stones and their median ratio, then what to do. Empty if there are none.
 * @param isDryRun nothing is written, so new stones are not quarantined yet
 */
export function describeReview(
  { exceeding, quarantined, acceptsAll }: AppraisalReview,
  isDryRun = false,
): string[] {
  const held: Held[] = [
    ...exceeding.map(({ appraisal, failure }) => ({ appraisal, bound: failure.bound, isNew: true })),
    ...quarantined.map((appraisal) => ({ appraisal, bound: appraisal.bound, isNew: false })),
  ];
  if (held.length === 0) return [];
  const groups = Array.from(
    Map.groupBy(held, ({ appraisal, bound }) => `${bound} ${appraisal.key}`).values(),
  ).sort((a, b) => b.length - a.length);
  const lines = groups.slice(0, MAX_LINES).map((group) => describeGroup(group, acceptsAll, isDryRun));
  const rest = groups.slice(MAX_LINES);
  if (rest.length > 0) {
    const stones = rest.reduce((sum, group) => sum + group.length, 0);
    lines.push(`held: ${formatCount(stones)} stones of further keys or for further reasons`);
  }
  if (acceptsAll) return lines;
  const total = formatCount(held.length);
  return [
    ...lines,
    `held stones are not lost: --accept-feed takes all ${total}; docs/operate.md ("Stones that the API received") says how to review, take or withdraw some`,
  ];
}

function describeGroup(group: readonly Held[], acceptsAll: boolean, isDryRun: boolean): string {
  const { appraisal, bound } = group[0]!;
  const ratio = computeMedianRatio(
    group.map((held) => held.appraisal.stone.price),
    group.map((held) => held.appraisal.championPrice ?? Number.NaN),
  );
  const newStones = group.filter(({ isNew }) => isNew).length;
  const facts = [
    bound ? BOUND_DESCRIPTIONS[bound] : UNKNOWN_BOUND,
    ...(Number.isFinite(ratio) ? [`median ratio ${formatRatio(ratio)}`] : []),
  ];
  const stones = `${formatCount(group.length)} stones of ${appraisal.key}`;
  if (acceptsAll) return `taken with --accept-feed: ${stones}: ${facts.join("; ")}`;
  const state = isDryRun && newStones > 0 ? "to be quarantined" : "quarantined";
  return `held: ${stones} (${state}, ${formatCount(newStones)} of them new): ${facts.join("; ")}`;
}
