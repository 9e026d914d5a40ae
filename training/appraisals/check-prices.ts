import { type FeedFailure, findFeedFailure, MIN_STONES_FOR_MEDIAN } from "../../src/domain/feed-check.ts";
import type { Appraisal } from "../registry/fresh-stones.ts";
import { ALL, DIVISIONS } from "./segments.ts";

/** An appraisal that no dataset has yet. */
export interface NewAppraisal extends Appraisal {
  /** The champion's price, US dollars; null without a champion that can be read. */
  readonly championPrice: number | null;
}

/** A stone that a check holds, and why. */
export interface HeldAppraisal {
  readonly appraisal: NewAppraisal;
  readonly failure: FeedFailure;
}

/**
 * Makes the feed check for groups of new appraisals: all stones of a key, and its stones of each carat band and
 * grade. Groups that are too small for the check of the median are checked together with those of other keys,
 * so that many small requests or keys do not escape it. All stones of a group that fails are held.
 */
export function checkPrices(appraisals: readonly NewAppraisal[]): HeldAppraisal[] {
  const held = new Map<NewAppraisal, FeedFailure>();
  const findOpen = (group: readonly NewAppraisal[]) => group.filter((appraisal) => !held.has(appraisal));
  const check = (group: readonly NewAppraisal[], description: string) => {
    const failure = checkGroup(group);
    if (failure === null) return;
    const reason = `${description}: ${failure.reason}`;
    for (const appraisal of group) held.set(appraisal, { bound: failure.bound, reason });
  };
  for (const findSegment of DIVISIONS) {
    const segments = Map.groupBy(findOpen(appraisals), ({ stone }) => findSegment(stone));
    for (const [segment, stones] of segments) {
      const small: NewAppraisal[] = [];
      for (const group of Map.groupBy(stones, ({ key }) => key).values()) {
        if (group.length < MIN_STONES_FOR_MEDIAN) small.push(...group);
        if (group.length >= MIN_STONES_FOR_MEDIAN || segment === ALL) check(group, `${segment}, one key`);
      }
      const rest = findOpen(small);
      if (rest.length >= MIN_STONES_FOR_MEDIAN) check(rest, `${segment}, keys with few stones`);
    }
  }
  return Array.from(held, ([appraisal, failure]) => ({ appraisal, failure }));
}

function checkGroup(group: readonly NewAppraisal[]): FeedFailure | null {
  const compared = group.filter(({ championPrice }) => championPrice !== null);
  return findFeedFailure(
    compared.map(({ stone }) => stone.price),
    compared.map(({ championPrice }) => championPrice ?? Number.NaN),
  );
}
