/**
 * Compares the training stones of a run with those of the champion. The errors of a model say nothing about
 * kinds of stones that its file does not have.
 */
import type { PricedStone } from "../../src/domain/diamond.ts";
import { RARE_GRADE_BELOW } from "../../src/domain/prediction/rare-grades.ts";
import { formatCount } from "../report/format.ts";
import { groupStones } from "./stone-groups.ts";

/** A group of stones of which the run has too few. */
export interface CoverageGap {
  /** A name of `STONE_GROUPS`, or `all`. */
  readonly name: string;
  /** Numbers of training stones. */
  readonly rows: number;
  readonly championRows: number;
}

/** A group of which the champion had fewer training stones is not compared. */
const MIN_CHAMPION_STONES = 30;
/** A run must have this fraction of the champion's training stones. A half of the champion's data has enough. */
const MIN_FRACTION = 1 / 3;
/** How many standard errors of a count are tolerated: a random half of 30 stones may have 9. */
const TOLERATED_ERRORS = 2;
const MAX_LISTED_GAPS = 6;

/** Finds the groups of which the run has much fewer training stones than the champion had. */
export function findCoverageGaps(
  stones: readonly PricedStone[],
  championStones: readonly PricedStone[],
): CoverageGap[] {
  const rowsByGroup = groupStones(stones);
  const counts = [
    { name: "all", rows: stones.length, championRows: championStones.length },
    ...[...groupStones(championStones)].map(([name, championRows]) => ({
      name,
      rows: rowsByGroup.get(name)!.length,
      championRows: championRows.length,
    })),
  ];
  return counts.filter(({ rows, championRows }) => {
    const enough = MIN_FRACTION * championRows;
    return championRows >= MIN_CHAMPION_STONES && rows < enough - TOLERATED_ERRORS * Math.sqrt(enough);
  });
}

/** Describes what a run does not cover, with the numbers of training stones. The worst gaps come first. */
export function describeCoverage(
  gaps: readonly CoverageGap[],
  rows: number,
  championRows: number,
  championName: string,
): string {
  const groups = gaps
    .filter(({ name }) => name !== "all")
    .sort((a, b) => a.rows / a.championRows - b.rows / b.championRows || b.championRows - a.championRows);
  const listed = groups
    .slice(0, MAX_LISTED_GAPS)
    .map((gap) => `${formatAmount(gap.rows)} of ${gap.name} (against ${formatCount(gap.championRows)})`);
  if (groups.length > listed.length) listed.push(`too few of ${groups.length - listed.length} other groups`);
  const numbers = `the run has ${formatCount(rows)} training stones against ${formatCount(championRows)} of ${championName}`;
  return [numbers, ...listed].join(", ");
}

/**
 * Finds the groups that the champion hardly knows, and the run does. A champion of few kinds of stones is better at
 * them than a model of all kinds.
 */
export function findNewGroups(
  stones: readonly PricedStone[],
  championStones: readonly PricedStone[],
): readonly string[] {
  const championRows = groupStones(championStones);
  return [...groupStones(stones)].flatMap(([name, rows]) =>
    rows.length >= MIN_CHAMPION_STONES && championRows.get(name)!.length < RARE_GRADE_BELOW ? [name] : [],
  );
}

/** Leaves out the stones of the groups that a run does not cover. */
export function selectCovered<Stone extends PricedStone>(
  stones: readonly Stone[],
  gaps: readonly CoverageGap[],
): readonly Stone[] {
  const rowsByGroup = groupStones(stones);
  const uncovered = new Set(gaps.flatMap(({ name }) => rowsByGroup.get(name) ?? []));
  return stones.filter((_, row) => !uncovered.has(row));
}

function formatAmount(rows: number): string {
  return rows === 0 ? "none" : formatCount(rows);
}
