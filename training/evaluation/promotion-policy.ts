import type { Metrics, ModelReference } from "../../src/domain/model-record.ts";
import { formatVersion } from "../../src/domain/model-selector.ts";

/** `auto`: the better model serves; `never`: nothing changes; `force`: the best of this run serves. */
export const PROMOTIONS = ["auto", "never", "force"] as const;
export type Promotion = (typeof PROMOTIONS)[number];

/** A model measured on the stones that the decision is made on. */
export interface Candidate extends ModelReference {
  readonly metrics: Metrics;
}

export interface Verdict {
  /** The best of the run, which was judged. */
  readonly candidate: ModelReference;
  /** Who serves after this run; null where nothing does. */
  readonly champion: ModelReference | null;
  readonly promoted: boolean;
  readonly reason: string;
}

/** A band with fewer stones says too little to refuse a model for. */
const BAND_ROWS = 30;
/** How much worse a band may become. */
const BAND_TOLERANCE = 1.1;

/**
 * Decides who serves: the best challenger by test MAE, if it beats the champion on the same test stones
 * (which neither was trained on) and no carat band suffers for it.
 */
export function judgeCandidates(
  challengers: readonly Candidate[],
  champion: Candidate | null,
  promotion: Promotion,
): Verdict {
  const best = challengers.reduce((a, b) => (b.metrics.mae < a.metrics.mae ? b : a));
  const challenger = { name: best.name, version: best.version };
  const stay = (reason: string): Verdict => ({
    candidate: challenger,
    champion: champion === null ? null : { name: champion.name, version: champion.version },
    promoted: false,
    reason,
  });
  const promote = (reason: string): Verdict => ({
    candidate: challenger,
    champion: challenger,
    promoted: true,
    reason,
  });
  const mae = `test MAE ${dollars(best.metrics.mae)}`;
  if (promotion === "never") return stay("promotion is switched off (--promote never)");
  if (promotion === "force") return promote(`forced (--promote force): ${mae}`);
  if (champion === null) return promote(`first champion: ${mae}, the lowest of this run`);
  const against = `${dollars(champion.metrics.mae)} of ${formatVersion(champion)} on the same ${champion.metrics.rows} test stones`;
  if (!(best.metrics.mae < champion.metrics.mae))
    return stay(`${formatVersion(best)}: ${mae} does not beat ${against}`);
  const worse = worseBand(best.metrics, champion.metrics);
  if (worse !== null) return stay(`${formatVersion(best)}: ${mae} against ${against}, but ${worse}`);
  return promote(`${mae} beats ${against}`);
}

function worseBand(challenger: Metrics, champion: Metrics): string | null {
  for (const [band, before] of Object.entries(champion.bands)) {
    const after = challenger.bands[band];
    if (after === undefined || before.rows < BAND_ROWS) continue;
    if (after.mae > before.mae * BAND_TOLERANCE) {
      return `stones of ${band} carat become worse: ${dollars(after.mae)} instead of ${dollars(before.mae)}`;
    }
  }
  return null;
}

export function dollars(value: number): string {
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 })}`;
}
