import type { DatasetStone } from "../data/dataset-stone.ts";
import { hasStone } from "../data/stone-index.ts";
import { predictPrices } from "../onnx/predict-prices.ts";
import type { Champion } from "../registry/champion.ts";
import type { FreshStones } from "../registry/fresh-stones.ts";
import { checkPrices, type HeldAppraisal, type NewAppraisal } from "./check-prices.ts";
import { limitKeys } from "./limit-keys.ts";

/** Which appraisals a run takes, and which ones it holds. */
export interface AppraisalReview {
  /** The stones that the run adds to the known ones. */
  readonly taken: readonly DatasetStone[];
  /** Accepted stones that exceed a bound. They are to be quarantined, or were taken with `--accept-feed`. */
  readonly exceeding: readonly HeldAppraisal[];
  /** Stones that were quarantined before, and that are not among the known stones. */
  readonly quarantined: readonly NewAppraisal[];
  /** An operator has accepted all stones, with `--accept-feed`. */
  readonly acceptsAll: boolean;
}

/** The review of a run that does not use appraisals. */
export const NO_REVIEW: AppraisalReview = { taken: [], exceeding: [], quarantined: [], acceptsAll: false };

/**
 * Checks the appraisals that no dataset has yet. Stones that an operator has accepted are taken without a check.
 * @param base the stones that the run learns from, apart from the new appraisals
 */
export async function reviewAppraisals(
  champion: Champion | null,
  base: readonly DatasetStone[],
  { appraisals, withdrawn }: FreshStones,
  acceptsAll: boolean,
): Promise<AppraisalReview> {
  const baseIds = new Set(base.map(({ id }) => id));
  const pending = appraisals.filter(
    ({ rowId, stone }) => !hasStone(baseIds, stone) && !hasStone(withdrawn, stone) && !withdrawn.has(rowId),
  );
  if (pending.length === 0) return { ...NO_REVIEW, acceptsAll };
  const stones = pending.map(({ stone }) => stone);
  const prices = champion?.bytes ? await predictPrices(champion.bytes, stones) : null;
  const priced = pending.map((appraisal, i) => ({ ...appraisal, championPrice: prices?.[i] ?? null }));

  const quarantined = priced.filter(({ isQuarantined }) => isQuarantined);
  const unchecked = priced.filter(({ isQuarantined, bound }) => !isQuarantined && bound === null);
  const wrong = checkPrices(unchecked);
  const wrongOnes = new Set(wrong.map(({ appraisal }) => appraisal));
  const known = appraisals.filter(
    ({ stone, isQuarantined, bound }) => !isQuarantined && bound === null && hasStone(baseIds, stone),
  );
  const byKey = new Map(
    Array.from(
      Map.groupBy(known, ({ key }) => key),
      ([key, group]) => [key, group.map((one) => one.stone)],
    ),
  );
  const beyond = limitKeys(
    unchecked.filter((appraisal) => !wrongOnes.has(appraisal)),
    { stones: base, byKey },
  );
  const exceeding = [...wrong, ...beyond];
  const held = new Set([...quarantined, ...exceeding.map(({ appraisal }) => appraisal)]);
  const taken = acceptsAll ? priced : priced.filter((appraisal) => !held.has(appraisal));
  return { taken: taken.map(({ stone }) => stone), exceeding, quarantined, acceptsAll };
}
