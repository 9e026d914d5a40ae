/**
 * The predictive distribution of a model's prices, by carat band. It is conformal: the quantiles are those of
 * log(real price / model's price) over stones that the model was not fitted on (Vovk, Gammerman and Shafer,
 * Algorithmic Learning in a Random World, 2005; by band it is Mondrian).
 */
import { z } from "zod";
import type { Stone } from "../diamond.ts";

/** Coverage of a range if the caller does not choose one, and the coverages that a caller may choose. */
export const DEFAULT_COVERAGE = 0.9;
export const MIN_COVERAGE = 0.5;
export const MAX_COVERAGE = 0.99;
/** The coverages that are measured on test stones. */
export const MEASURED_COVERAGES = [0.8, 0.9, 0.95] as const;

/** The levels of the stored quantiles: 1 % apart, and closer in the tails for a coverage of 0.99. */
export const QUANTILE_LEVELS: readonly number[] = [
  ...[0, 0.0025, 0.005],
  ...Array.from({ length: 99 }, (_, i) => (i + 1) / 100),
  ...[0.995, 0.9975, 1],
];

const CalibrationBand = z
  .object({
    from: z.number().meta({ description: "Lowest weight of the band, carats.", example: 0.5 }),
    to: z.number().nullable().meta({
      description: "The weight below which the band ends, carats; null for the band without an end.",
      example: 1,
    }),
    rows: z.number().int().meta({ description: "Number of stones that the band was calibrated on." }),
    quantiles: z.array(z.number()).meta({
      description:
        "Quantiles of the natural logarithm of the real price divided by the model's price, ascending, one for each level.",
    }),
  })
  .meta({
    id: "CalibrationBand",
    description: "How far real prices are from the model's prices, for stones of similar weight.",
  });
export type CalibrationBand = z.infer<typeof CalibrationBand>;

const MeasuredCoverage = z
  .object({
    coverage: z.number().meta({ description: "The coverage that was asked for.", example: 0.9 }),
    measured: z.number().meta({
      description: "Fraction of the stones whose real price was in its range.",
      example: 0.902,
    }),
    medianWidth: z.number().meta({
      description: "Median of (high - low) / price of the ranges.",
      example: 0.24,
    }),
  })
  .meta({ id: "MeasuredCoverage", description: "How well ranges of one coverage held." });

export const CoverageFigures = z
  .object({
    rows: z.number().int().meta({ description: "Number of test stones." }),
    coverages: z.array(MeasuredCoverage),
  })
  .meta({ id: "CoverageFigures", description: "How well the ranges held on test stones." });
export type CoverageFigures = z.infer<typeof CoverageFigures>;

export const CalibratedGroup = z
  .object({
    rows: z.number().int().meta({ description: "Number of stones that it was calibrated on." }),
    bands: z.array(CalibrationBand).min(1),
    test: CoverageFigures.extend({
      bands: z.record(z.string(), CoverageFigures).meta({ description: "The same per carat band." }),
    }).meta({
      id: "TestCoverage",
      description: "How well the ranges held on test stones, over all and per carat band.",
    }),
  })
  .meta({ id: "CalibratedGroup", description: "The calibration for a group of stones." });
export type CalibratedGroup = z.infer<typeof CalibratedGroup>;

export const Calibration = z
  .object({
    method: z.enum(["cross-fitting", "half of the test split"]).meta({
      description:
        "`cross-fitting`: on the training stones, each priced by a model that was fitted without it. `half of the test split`: for an imported model, which cannot be fitted again; its coverage is measured on the other half.",
    }),
    levels: z.array(z.number()).meta({ description: "The levels of the quantiles, from 0 to 1." }),
    withSize: CalibratedGroup.meta({ description: "For stones with x and y." }),
    withoutSize: CalibratedGroup.meta({
      description:
        "For stones without x or y, which the model completes. It is calibrated and tested without any of depth, table, x, y and z.",
    }),
  })
  .meta({
    id: "Calibration",
    description: "The distribution of real prices around the model's prices, per band of weight.",
  });
export type Calibration = z.infer<typeof Calibration>;

/** The distribution of similar stones: the levels and the quantiles at these levels. */
export interface Distribution {
  readonly levels: readonly number[];
  readonly quantiles: readonly number[];
}

/** Finds the distribution for a stone by its weight, and by whether its length and width are known. */
export function findDistribution(
  { levels, withSize, withoutSize }: Pick<Calibration, "levels" | "withSize" | "withoutSize">,
  { carat, x, y }: Pick<Stone, "carat" | "x" | "y">,
): Distribution {
  const { bands } = x === undefined || y === undefined ? withoutSize : withSize;
  return { levels, quantiles: findBand(bands, carat).quantiles };
}

/** Finds the band of a weight in carats. */
export function findBand(bands: readonly CalibrationBand[], carat: number): CalibrationBand {
  return bands.find(({ to }) => to === null || carat < to) ?? bands.at(-1)!;
}

/**
 * The range that contains the real price with a probability of `coverage`, US dollars, not rounded. As many
 * stones are below it as above it. It always contains the model's price.
 */
export function computeRange(
  distribution: Distribution,
  price: number,
  coverage: number,
): { low: number; high: number } {
  const tail = (1 - coverage) / 2;
  return {
    low: price * Math.exp(Math.min(0, getQuantile(distribution, tail))),
    high: price * Math.exp(Math.max(0, getQuantile(distribution, 1 - tail))),
  };
}

/** The fraction of stones that are priced below `asked`, of those that the model gives `price`. */
export function computePercentile({ levels, quantiles }: Distribution, price: number, asked: number): number {
  const value = Math.log(asked / price);
  // Equal quantiles have several levels. The middle of the lowest and the highest is taken.
  const below = interpolate(quantiles, levels, value, (quantile) => quantile < value);
  const above = interpolate(quantiles, levels, value, (quantile) => quantile <= value);
  return (below + above) / 2;
}

/**
 * The mean errors that the distribution promises for a price of 1: absolute, and relative to the real price.
 */
export function computeExpectedErrors({ levels, quantiles }: Distribution): {
  absolute: number;
  relative: number;
} {
  let absolute = 0;
  let relative = 0;
  for (let i = 1; i < levels.length; i++) {
    const weight = levels[i]! - levels[i - 1]!;
    const middle = (quantiles[i]! + quantiles[i - 1]!) / 2;
    absolute += weight * Math.abs(Math.exp(middle) - 1);
    relative += weight * Math.abs(Math.exp(-middle) - 1);
  }
  return { absolute, relative };
}

function getQuantile({ levels, quantiles }: Distribution, level: number): number {
  return interpolate(levels, quantiles, level, (value) => value < level);
}

/**
 * Interpolates linearly between points with ascending x. Outside of them it returns the y of the nearest.
 * @param isBefore whether the x of a point is before the value; true for the first points only
 */
function interpolate(
  xs: readonly number[],
  ys: readonly number[],
  value: number,
  isBefore: (x: number) => boolean,
): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(xs[middle]!)) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return ys[0]!;
  if (low === xs.length) return ys[low - 1]!;
  const [x, nextX] = [xs[low - 1]!, xs[low]!];
  return ys[low - 1]! + ((value - x) / (nextX - x)) * (ys[low]! - ys[low - 1]!);
}
