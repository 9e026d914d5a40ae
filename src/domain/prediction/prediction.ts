import { z } from "zod";
import { median } from "../../lib/statistics.ts";
import { listMissingMeasurements, MEASUREMENTS, type Stone } from "../diamond.ts";
import type { Ranges } from "../models/model-record.ts";
import { type Calibration, computePercentile, computeRange, findDistribution } from "./calibration.ts";
import { Explanation } from "./explanation.ts";
import { findImplausibleValues, type Plausibility, toPlausibility } from "./plausibility.ts";
import { findRareGrades } from "./rare-grades.ts";
import { SimilarDiamond } from "./similar-diamond.ts";
import { Warning } from "./warning.ts";

export const PriceRange = z
  .object({
    low: z.number().positive().meta({ description: "Lowest price, US dollars.", example: 4310.1 }),
    high: z.number().positive().meta({ description: "Highest price, US dollars.", example: 5290.7 }),
    coverage: z.number().meta({
      description: "The fraction of such stones whose real price is in the range.",
      example: 0.9,
    }),
  })
  .meta({ id: "PriceRange", description: "The range in which the real price of such a stone usually is." });
export type PriceRange = z.infer<typeof PriceRange>;

const AskingPrice = z
  .object({
    price: z.number().meta({ description: "The asking price, US dollars.", example: 4200 }),
    percentile: z.number().min(0).max(1).nullable().meta({
      description:
        "The fraction of stones like this one that are priced below the asking price; null if the model version has no calibration.",
      example: 0.17,
    }),
  })
  .meta({ id: "AskingPrice", description: "How an asking price compares with the prices of such stones." });

const PriceComparison = z
  .object({
    count: z.number().int().meta({ description: "Number of comparable stones.", example: 5 }),
    cheaper: z.number().int().meta({ description: "How many of them cost less than the price.", example: 3 }),
    dearer: z.number().int().meta({ description: "How many of them cost more than the price.", example: 2 }),
    medianPrice: z.number().nullable().meta({
      description: "Their median price, US dollars; null without comparable stones.",
      example: 4620,
    }),
  })
  .meta({ id: "PriceComparison", description: "Where the price lies among the comparable stones." });
type PriceComparison = z.infer<typeof PriceComparison>;

/** The price of one stone, as the API returns it. */
export const Prediction = z
  .object({
    price: z.number().positive().meta({ description: "Price in US dollars.", example: 4683.2 }),
    currency: z.literal("USD"),
    range: PriceRange.nullable().meta({
      description: "How far off the price may be; null if the model version has no calibration.",
    }),
    imputed: z.array(z.enum(MEASUREMENTS)).meta({
      description: "Measurements that the caller left out and the model completed.",
      example: [],
    }),
    warnings: z.array(Warning).meta({ description: "Reasons not to rely on the price.", example: [] }),
    asking: AskingPrice.optional().meta({ description: "Present if `asking` was given." }),
    explanation: Explanation.nullable().optional().meta({
      description:
        "Present if `explain` was given; null if the model version has no background stones, or if a warning says that there are no reasons.",
    }),
    comparables: z.array(SimilarDiamond).optional().meta({
      description:
        "Stones as `GET /v1/diamonds/similar` returns them. Present if `comparables` was given, unless a warning says that they could not be read.",
    }),
    comparison: PriceComparison.optional().meta({ description: "Present together with `comparables`." }),
  })
  .meta({ id: "Prediction", description: "The price of one stone." });
export type Prediction = z.infer<typeof Prediction>;

/** What is known about the stones and the errors of a model version. */
export interface ModelFacts {
  readonly ranges: Ranges;
  /** Null for a version that was published without one. The same for `plausibility`. */
  readonly calibration: Calibration | null;
  readonly plausibility: Plausibility | null;
}

export interface PredictionOptions {
  readonly coverage: number;
  /** US dollars. */
  readonly asking?: number | undefined;
}

/** Rounds a model's price to cents; null if it is not finite or not positive. */
export function roundPrice(price: number): number | null {
  const cents = Math.round(price * 100);
  return Number.isFinite(cents) && cents > 0 ? cents / 100 : null;
}

/** Makes the prediction for a rounded price, with its range and warnings. */
export function toPrediction(
  stone: Stone,
  price: number,
  { ranges, calibration, plausibility }: ModelFacts,
  { coverage, asking }: PredictionOptions,
): Prediction {
  const distribution = calibration && findDistribution(calibration, stone);
  const range = distribution && computeRange(distribution, price, coverage);
  return {
    price,
    currency: "USD",
    range: range && { low: roundToCents(range.low), high: roundToCents(range.high), coverage },
    imputed: listMissingMeasurements(stone),
    warnings: [
      ...findImplausibleValues(plausibility ?? toPlausibility(ranges), stone),
      ...findRareGrades(plausibility?.rareGrades ?? {}, stone),
    ],
    ...(asking !== undefined && {
      asking: {
        price: asking,
        percentile: distribution && Math.round(computePercentile(distribution, price, asking) * 1e4) / 1e4,
      },
    }),
  };
}

function roundToCents(amount: number): number {
  return Math.max(Math.round(amount * 100), 1) / 100;
}

/** Says where a price lies among comparable stones. */
export function compareWithStones(price: number, comparables: readonly SimilarDiamond[]): PriceComparison {
  const prices = comparables.map((stone) => stone.price);
  return {
    count: prices.length,
    cheaper: prices.filter((other) => other < price).length,
    dearer: prices.filter((other) => other > price).length,
    medianPrice: prices.length > 0 ? median(prices) : null,
  };
}
