import type { Stone } from "../../src/domain/diamond.ts";
import type { HeldAppraisal, NewAppraisal } from "./check-prices.ts";
import { ALL, countSegments, DIVISIONS } from "./segments.ts";

/** A run learns from at most this many stones of one key, as a fraction of the stones of others. */
export const MAX_KEY_FRACTION = 0.1;
/** The quota of a key in a small registry. */
export const MIN_KEY_QUOTA = 100;
/** A key may move the mean price of a segment by about this fraction. */
const MAX_SEGMENT_SHIFT = 0.02;

/** The stones that a run learns from, apart from the new appraisals. */
export interface BaseStones {
  readonly stones: readonly Stone[];
  /** Those that a key sent, by its name, without those that an operator accepted. */
  readonly byKey: ReadonlyMap<string, readonly Stone[]>;
}

/**
 * Holds the stones of a key beyond its quotas, the newest first. The quota of all its stones, also those of
 * earlier runs, is a tenth of the stones that do not come from it. In a carat band or a grade, stones with the
 * champion's prices have no further quota; the farther the mean of the new prices is away, the smaller it is.
 */
export function limitKeys(appraisals: readonly NewAppraisal[], base: BaseStones): HeldAppraisal[] {
  const baseCounts = countSegments(base.stones);
  return Array.from(Map.groupBy(appraisals, ({ key }) => key)).flatMap(([key, ofKey]) =>
    limitKey(ofKey, baseCounts, countSegments(base.byKey.get(key) ?? [])),
  );
}

function limitKey(
  appraisals: readonly NewAppraisal[],
  baseCounts: ReadonlyMap<string, number>,
  keyCounts: ReadonlyMap<string, number>,
): HeldAppraisal[] {
  const shifts = measureShifts(appraisals);
  const counts = new Map(keyCounts);
  const held: HeldAppraisal[] = [];
  for (const appraisal of appraisals.toSorted(compareAge)) {
    const segments = DIVISIONS.map((findSegment) => findSegment(appraisal.stone));
    const full = segments.find((segment) => {
      const others = (baseCounts.get(segment) ?? 0) - (keyCounts.get(segment) ?? 0);
      return (counts.get(segment) ?? 0) >= computeQuota(segment, others, shifts.get(segment) ?? 0);
    });
    if (full === undefined)
      for (const segment of segments) counts.set(segment, (counts.get(segment) ?? 0) + 1);
    else held.push({ appraisal, failure: { bound: "quota", reason: describeQuota(full) } });
  }
  return held;
}

/** @param shift the mean of log(price / champion's price) of the key's new stones in the segment */
function computeQuota(segment: string, others: number, shift: number): number {
  const quota = Math.max(MIN_KEY_QUOTA, MAX_KEY_FRACTION * others);
  if (segment === ALL) return quota;
  // With the fraction f of all stones, the key moves the mean by f times the shift.
  const fraction = MAX_SEGMENT_SHIFT / Math.abs(shift);
  return fraction >= 1 ? Number.POSITIVE_INFINITY : Math.max(quota, (others * fraction) / (1 - fraction));
}

/** Without the champion's prices there is no shift, and only the quota of all stones counts. */
function measureShifts(appraisals: readonly NewAppraisal[]): Map<string, number> {
  const shifts = new Map<string, number>();
  for (const findSegment of DIVISIONS)
    for (const [segment, group] of Map.groupBy(appraisals, ({ stone }) => findSegment(stone))) {
      const logs = group
        .map(({ stone, championPrice }) => Math.log(stone.price / (championPrice ?? Number.NaN)))
        .filter(Number.isFinite);
      if (logs.length > 0) shifts.set(segment, logs.reduce((sum, log) => sum + log, 0) / logs.length);
    }
  return shifts;
}

function describeQuota(segment: string): string {
  const percent = 100 * MAX_KEY_FRACTION;
  return segment === ALL
    ? `more stones of one key than ${percent} % of the stones of others`
    : `${segment}: so many stones of one key would move the prices there by more than ${100 * MAX_SEGMENT_SHIFT} %`;
}

/** The oldest first. */
function compareAge(a: NewAppraisal, b: NewAppraisal): number {
  if (a.receivedAt !== b.receivedAt) return a.receivedAt < b.receivedAt ? -1 : 1;
  return a.rowId < b.rowId ? -1 : 1;
}
