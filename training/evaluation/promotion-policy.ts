import type { Metrics } from "../../src/domain/models/model-record.ts";
import { formatVersion, type ModelReference } from "../../src/domain/models/model-reference.ts";
import { formatDollars } from "../../src/lib/format.ts";

/**
 * When the champion changes. `auto`: if the best candidate of the run is better. `never`: it does not
 * change. `force`: the best candidate of the run always becomes the champion.
 */
export const PROMOTION_MODES = ["auto", "never", "force"] as const;
export type PromotionMode = (typeof PROMOTION_MODES)[number];

/** A model that is judged against the champion, with its metrics on the stones of the comparison. */
export interface Candidate extends ModelReference {
  readonly metrics: Metrics;
  /** What else speaks against a candidate, a clause each. */
  readonly faults?: readonly string[];
}

export interface Verdict {
  /** The best candidate of the run, which was judged. */
  readonly candidate: ModelReference;
  /** The champion after the run; null if there is none. */
  readonly champion: ModelReference | null;
  readonly promoted: boolean;
  readonly reason: string;
}

/** A carat band with fewer stones is ignored: its error is too uncertain. */
const MIN_BAND_STONES = 30;
/** Largest ratio of a candidate's MAE to the champion's in a carat band. */
const MAX_BAND_MAE_RATIO = 1.1;

/**
 * Decides which model is the champion. The candidate with the lowest test MAE is promoted if its MAE is
 * lower than the champion's on the same test stones, if its MAE is not much higher in any carat band, and if it has
 * no other faults. Neither model was trained on these stones.
 */
export function judgeCandidates(
  candidates: readonly Candidate[],
  champion: Candidate | null,
  mode: PromotionMode,
): Verdict {
  const best = candidates.reduce((a, b) => (b.metrics.mae < a.metrics.mae ? b : a));
  const candidate = { name: best.name, version: best.version };
  const reject = (reason: string): Verdict => ({
    candidate,
    champion: champion === null ? null : { name: champion.name, version: champion.version },
    promoted: false,
    reason,
  });
  const promote = (reason: string): Verdict => ({ candidate, champion: candidate, promoted: true, reason });

  const testMae = `test MAE ${formatDollars(best.metrics.mae)}`;
  if (mode === "never") return reject("promotion is disabled (--promote never)");
  if (mode === "force") return promote(`promotion is forced (--promote force), ${testMae}`);
  const { faults = [] } = best;
  const rejectFor = (reasons: readonly string[]) => reject(`${formatVersion(best)}: ${reasons.join("; ")}`);
  if (champion === null) {
    return faults.length > 0
      ? rejectFor(faults)
      : promote(`first champion: ${testMae}, the lowest of this run`);
  }
  const championMae =
    `${formatDollars(champion.metrics.mae)} of ${formatVersion(champion)} ` +
    `on the same ${champion.metrics.rows} test stones`;
  if (!(best.metrics.mae < champion.metrics.mae)) {
    return rejectFor([`${testMae} is not lower than ${championMae}`, ...faults]);
  }
  const reasons = [describeWorseBand(best.metrics, champion.metrics) ?? [], faults].flat();
  if (reasons.length > 0) {
    return rejectFor([`${testMae} is lower than ${championMae}, but ${reasons.join("; ")}`]);
  }
  return promote(`${testMae} is lower than ${championMae}`);
}

function describeWorseBand(candidate: Metrics, champion: Metrics): string | null {
  for (const [band, before] of Object.entries(champion.bands)) {
    const after = candidate.bands[band];
    if (after === undefined || before.rows < MIN_BAND_STONES) continue;
    if (after.mae > before.mae * MAX_BAND_MAE_RATIO) {
      return `the MAE of ${band} carat stones rises from ${formatDollars(before.mae)} to ${formatDollars(after.mae)}`;
    }
  }
  return null;
}
