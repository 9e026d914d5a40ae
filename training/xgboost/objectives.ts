import { cutText } from "./document/quote-text.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

/** How the prediction follows from the sum of the base score and the trees: the sum itself, or e to its power. */
export type Link = "identity" | "exp";

const LINKS: Readonly<Record<string, Link>> = {
  "reg:squarederror": "identity",
  "reg:absoluteerror": "identity",
  "reg:pseudohubererror": "identity",
  "reg:squaredlogerror": "identity",
  "reg:gamma": "exp",
  "reg:tweedie": "exp",
  "count:poisson": "exp",
};

/** Why other objectives predict no price, by how their names begin. */
const REASONS: readonly (readonly [string, string])[] = [
  ["reg:logistic", "it predicts a number from 0 to 1"],
  ["binary:", "it predicts a class"],
  ["multi:", "it predicts a class"],
  ["rank:", "it predicts an order"],
  ["survival:", "it predicts a time of survival"],
  ["reg:quantileerror", "it predicts a quantile in place of the price"],
  ["reg:expectileerror", "it predicts an expectile in place of the price"],
];

/** @throws UnsupportedModelError if the objective does not predict an amount */
export function readLink(objective: string): Link {
  if (Object.hasOwn(LINKS, objective)) return LINKS[objective]!;
  const reason = REASONS.find(([start]) => objective.startsWith(start))?.[1];
  throw new UnsupportedModelError(
    `the objective ${cutText(objective)} is not supported; supported are ${Object.keys(LINKS).join(", ")}` +
      (reason === undefined ? "" : `: ${reason}`),
  );
}

/**
 * Converts a base score to the start of the sum. XGBoost stores it as a prediction, and computes the
 * logarithm in float32.
 * @throws UnsupportedModelError if there is no such start
 */
export function toMargin(baseScore: number, link: Link): number {
  if (link === "identity") return baseScore;
  if (baseScore > 0) return Math.fround(Math.log(baseScore));
  throw new UnsupportedModelError(`the base score must be above 0 for this objective, but is ${baseScore}`);
}
