/**
 * Compares the prices of a candidate with the champion's on the champion's test stones. They are known from
 * before the run, so a file with wrong prices or with few kinds of stones cannot hide its effect on them.
 */
import type { PricedStone } from "../../src/domain/diamond.ts";
import { MEDIAN_RATIO_RANGE } from "../../src/domain/feed-check.ts";
import { formatDollars } from "../../src/lib/format.ts";
import { median } from "../../src/lib/statistics.ts";
import { formatCount } from "../report/format.ts";
import { groupStones } from "./stone-groups.ts";

/** The prices of a candidate and of the champion on the same stones. */
export interface PriceComparison {
  /** `all`, or a name of `STONE_GROUPS`. */
  readonly name: string;
  readonly rows: number;
  /** Median of the candidate's price divided by the champion's. */
  readonly medianRatio: number;
  /**
   * Mean absolute error of the candidate in US dollars, after its prices were divided by the move of the market: the
   * stones have the prices of an earlier time.
   */
  readonly mae: number;
  /** Mean absolute error of the champion, US dollars. */
  readonly championMae: number;
  /** Standard error of the difference of both errors, US dollars. */
  readonly standardError: number;
}

/** A group with fewer stones is not judged. */
const MIN_GROUP_STONES = 30;
/** A part of the market may move by a tenth more or less than the whole. More counts as an error. */
const MAX_GROUP_MOVE = Math.log(1.1);
const MARKET_MOVE_TURNS = 3;
/** Largest ratio of the candidate's MAE to the champion's. */
const MAX_MAE_RATIO = 1.1;
/** A smaller increase of the MAE may be chance: 26 of them are looked at in each run. */
const MIN_STANDARD_ERRORS = 3.5;
const MAX_LISTED_GROUPS = 4;

/**
 * Compares prices on all stones, then on each group that has stones. Returns an empty list if there are no stones.
 * @param prices the candidate's price of each stone, US dollars; the same for `championPrices`
 */
export function comparePrices(
  stones: readonly PricedStone[],
  prices: ArrayLike<number>,
  championPrices: ArrayLike<number>,
): PriceComparison[] {
  if (stones.length === 0) return [];
  const ratios = Float64Array.from(stones, (_, row) => prices[row]! / championPrices[row]!);
  const groups = [...groupStones(stones)].filter(([, rows]) => rows.length > 0);
  const moves = estimateMarketMoves(
    ratios,
    groups.map(([, rows]) => rows),
  );
  const errors = stones.map(({ price }, row) => Math.abs(prices[row]! / moves[row]! - price));
  const championErrors = stones.map(({ price }, row) => Math.abs(championPrices[row]! - price));
  const compare = (name: string, rows: readonly number[]): PriceComparison => ({
    name,
    rows: rows.length,
    medianRatio: median(rows.map((row) => ratios[row]!)),
    mae: mean(rows.map((row) => errors[row]!)),
    championMae: mean(rows.map((row) => championErrors[row]!)),
    standardError: computeStandardError(rows.map((row) => errors[row]! - championErrors[row]!)),
  });
  return [["all", stones.map((_, row) => row)] as const, ...groups].map(([name, rows]) =>
    compare(name, rows),
  );
}

/**
 * Estimates for each stone how far the market has moved: the median ratio of all stones, times the move of its carat
 * band and of each of its grades. Large stones have other grades than small ones, so the moves are estimated in turns
 * (a median polish).
 * @param ratios new price divided by old price of each stone
 * @param groups rows of each group
 */
function estimateMarketMoves(ratios: Float64Array, groups: readonly (readonly number[])[]): Float64Array {
  const marketMove = Math.log(median(ratios));
  const remaining = ratios.map((ratio) => Math.log(ratio) - marketMove);
  const moves = groups.map(() => 0);
  for (let turn = 0; turn < MARKET_MOVE_TURNS; turn++) {
    for (const [group, rows] of groups.entries()) {
      // Relative to all stones. Else a move that is too large for one group would be divided among the others.
      const more = median(rows.map((row) => remaining[row]!)) - median(remaining);
      const move = Math.min(Math.max(moves[group]! + more, -MAX_GROUP_MOVE), MAX_GROUP_MOVE);
      for (const row of rows) remaining[row]! -= move - moves[group]!;
      moves[group] = move;
    }
  }
  return ratios.map((ratio, row) => ratio / Math.exp(remaining[row]!));
}

/**
 * Finds what speaks against a candidate, in words; an empty list if nothing does.
 * @param comparesErrors judge the errors too, and not only the ratio of prices
 */
export function findPriceFaults(
  comparisons: readonly PriceComparison[],
  championName: string,
  comparesErrors = true,
): string[] {
  const judged = comparisons.filter(({ rows }) => rows >= MIN_GROUP_STONES);
  const moved = judged.filter(({ medianRatio }) => !isAllowedRatio(medianRatio));
  if (moved.length > 0) {
    // If all stones together have moved, the groups say nothing more.
    const listed = moved[0]?.name === "all" ? moved.slice(0, 1) : moved;
    const list = joinGroups(listed, (one) => `${formatRatio(one.medianRatio)} ${describeStones(one)}`);
    const { min, max } = MEDIAN_RATIO_RANGE;
    return [
      `on the test stones of ${championName} the median ratio of new to old prices is ${list}; ${min} to ${max} is allowed`,
    ];
  }
  const worse = judged
    .filter(isWorse)
    .sort(
      (a, b) =>
        Number(b.name === "all") - Number(a.name === "all") || computeMaeRatio(b) - computeMaeRatio(a),
    );
  if (worse.length === 0 || !comparesErrors) return [];
  const list = joinGroups(
    worse,
    (one) => `from ${formatDollars(one.championMae)} to ${formatDollars(one.mae)} ${describeStones(one)}`,
  );
  return [`on the test stones of ${championName} the MAE rises ${list}`];
}

/** A market hardly moves further between two runs; a wrong unit does. False for NaN too. */
function isAllowedRatio(ratio: number): boolean {
  return ratio >= MEDIAN_RATIO_RANGE.min && ratio <= MEDIAN_RATIO_RANGE.max;
}

function isWorse(comparison: PriceComparison): boolean {
  const { mae, championMae, standardError } = comparison;
  return (
    computeMaeRatio(comparison) > MAX_MAE_RATIO && mae - championMae > MIN_STANDARD_ERRORS * standardError
  );
}

function computeMaeRatio({ mae, championMae }: PriceComparison): number {
  return mae / championMae;
}

function joinGroups(
  comparisons: readonly PriceComparison[],
  describe: (comparison: PriceComparison) => string,
): string {
  const listed = comparisons.slice(0, MAX_LISTED_GROUPS).map(describe);
  const more = comparisons.length - listed.length;
  return [...listed, ...(more > 0 ? [`and ${more} more ${more === 1 ? "group" : "groups"}`] : [])].join(", ");
}

function describeStones({ name, rows }: PriceComparison): string {
  return name === "all" ? `for all ${formatCount(rows)}` : `for ${name} (${formatCount(rows)})`;
}

/**
 * Describes the median ratio of new to old prices, with the groups that moved most: `1.002 on the same 10,583 test
 * stones (0.98 for cut Fair to 1.03 for 2+ carat)`.
 */
export function describePriceChange([all, ...groups]: readonly PriceComparison[]): string | null {
  if (all === undefined) return null;
  const sorted = groups
    .filter(({ rows }) => rows >= MIN_GROUP_STONES)
    .sort((a, b) => a.medianRatio - b.medianRatio);
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  const extremes =
    lowest && highest
      ? ` (${formatRatio(lowest.medianRatio)} for ${lowest.name} to ${formatRatio(highest.medianRatio)} for ${highest.name})`
      : "";
  return `${formatRatio(all.medianRatio)} on the same ${formatCount(all.rows)} test stones${extremes}`;
}

/** Formats a ratio with three decimals; a very small or large one with three digits. */
export function formatRatio(ratio: number): string {
  return ratio >= 0.1 && ratio < 10 ? ratio.toFixed(3) : String(Number(ratio.toPrecision(3)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard error of the mean; infinite for fewer than two values. */
function computeStandardError(values: readonly number[]): number {
  if (values.length < 2) return Number.POSITIVE_INFINITY;
  const average = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
