import { z } from "zod";
import { ModelReference } from "./models/model-reference.ts";

/** With fewer stones, a verdict would mostly depend on chance. */
export const MIN_STONES_FOR_VERDICT = 200;
/** From these population stability indexes on, drift is moderate or significant. */
export const DRIFT_THRESHOLDS = { moderate: 0.1, significant: 0.25 } as const;
/** From this multiple of the test error on, the live error is worse than tested. */
export const WORSE_THAN_TESTED_RATIO = 1.25;
/** By chance alone, a live coverage is this many standard errors below the promised one in 1 of 700 windows. */
export const COVERAGE_Z = 3;

/**
 * Drift is computed from a sample of the predictions. An hour has 12 slices of five minutes. For each slice
 * and model version, the sample has at most 100 single predictions and 2 batches.
 */
export const DRIFT_SAMPLE = { slicesPerHour: 12, predictionsPerSlice: 100, batchesPerSlice: 2 } as const;

const count = (description: string, example: number) => z.number().int().meta({ description, example });
const fraction = (description: string, example: number) =>
  z.number().nullable().meta({ description, example });
const dollars = (description: string) =>
  z
    .number()
    .nullable()
    .meta({ description: `${description}, US dollars.` });

const Latency = z
  .object({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() })
  .meta({
    id: "Latency",
    description:
      "The durations, in milliseconds, that 50, 95 and 99 % of the requests did not exceed. They are estimated from counts in bins: the error is at most the width of the bin, a third to a half of the value.",
  });

const Traffic = {
  requests: count("Number of requests.", 1234),
  errorShare: fraction("Fraction of requests that failed in the server (5xx); null without requests.", 0.001),
  refusedShare: fraction("Fraction of requests that were rejected (4xx); null without requests.", 0.05),
  latency: Latency,
};

const StatusTraffic = z
  .object({
    status: z.number().int().meta({ example: 404 }),
    requests: Traffic.requests,
    latency: Latency,
  })
  .meta({ id: "StatusTraffic", description: "The traffic of one endpoint with one status." });

const PeriodError = z
  .object({
    stones: count("Number of stones.", 250),
    mae: dollars("Mean absolute error; null without stones"),
  })
  .meta({ id: "PeriodError", description: "The error of the prices of all models in one period." });

const Period = z
  .object({
    from: z.iso.datetime().meta({ description: "Start of the period. It ends where the next one starts." }),
    ...Traffic,
    live: PeriodError.meta({ description: "The error against sale prices that were reported." }),
    expected: PeriodError.meta({
      description: "The error that the calibration promises for the priced stones of the sample.",
    }),
  })
  .meta({ id: "Period", description: "Traffic and error of all models in one period of the window." });

export const RouteTraffic = z
  .object({
    route: z.string().nullable().meta({
      description: "Path pattern of the endpoint; null for requests to unknown paths.",
      example: "/v1/predictions",
    }),
    ...Traffic,
    statuses: z.array(StatusTraffic),
  })
  .meta({ id: "RouteTraffic", description: "The traffic of one endpoint." });

export const Drift = z
  .object({
    stones: count("Number of stones with this value.", 5000),
    psi: z.number().nullable().meta({
      description:
        "Population stability index (PSI) between these stones and the training stones; for the price, between these prices and the model's prices of the test stones. Null without stones.",
      example: 0.03,
    }),
    verdict: z.enum(["stable", "moderate", "significant", "not enough data"]).meta({
      description: `Stable below ${DRIFT_THRESHOLDS.moderate}, significant from ${DRIFT_THRESHOLDS.significant}; not enough data below ${MIN_STONES_FOR_VERDICT} stones.`,
    }),
  })
  .meta({
    id: "Drift",
    description: "The difference between the requested stones and the stones that the model was trained on.",
  });
export type Drift = z.infer<typeof Drift>;

const DriftByColumn = z
  .record(z.string(), Drift)
  .meta({ id: "DriftByColumn", description: "The drift of each column and of the price." });

export const LiveError = z
  .object({
    stones: count("Number of stones with a reported sale price.", 250),
    mae: dollars("Mean absolute error of their prices"),
    mape: fraction("Mean absolute percentage error of their prices, as a fraction.", 0.08),
    testMae: dollars("Mean absolute error on the test stones"),
    testMape: fraction("Mean absolute percentage error on the test stones, as a fraction.", 0.071),
    verdict: z.enum(["as tested", "worse than tested", "not enough data"]).meta({
      description: `Worse from ${WORSE_THAN_TESTED_RATIO} times the test error; not enough data below ${MIN_STONES_FOR_VERDICT} stones.`,
    }),
  })
  .meta({ id: "LiveError", description: "The error of the prices, measured against reported sale prices." });
export type LiveError = z.infer<typeof LiveError>;

export const LiveCoverage = z
  .object({
    stones: count("Number of stones with a reported sale price and a range.", 250),
    inRange: count("How many of them were sold at a price in their range.", 226),
    coverage: fraction("Fraction of them that were; null without such stones.", 0.904),
    promised: fraction("Mean coverage of their ranges; null without such stones.", 0.9),
    verdict: z.enum(["as promised", "below promised", "not enough data"]).meta({
      description: `Below if fewer sale prices are in their range than chance explains (${COVERAGE_Z} standard errors); not enough data below ${MIN_STONES_FOR_VERDICT} stones.`,
    }),
  })
  .meta({
    id: "LiveCoverage",
    description: "How many sale prices were in the range that the prediction gave.",
  });
export type LiveCoverage = z.infer<typeof LiveCoverage>;

export const ExpectedError = z
  .object({
    stones: count("Number of priced stones in the sample.", 5000),
    mae: dollars("Mean absolute error that the model's calibration promises for these stones"),
    mape: fraction("The same for the mean absolute percentage error, as a fraction.", 0.06),
    verdict: z.enum(["as expected", "worse than expected", "not enough data"]).meta({
      description: `Compares the live error with it: worse from ${WORSE_THAN_TESTED_RATIO} times; not enough data below ${MIN_STONES_FOR_VERDICT} stones or ${MIN_STONES_FOR_VERDICT} sale prices.`,
    }),
  })
  .meta({
    id: "ExpectedError",
    description: "The error to expect for the stones of this window, known before any sale price.",
  });
export type ExpectedError = z.infer<typeof ExpectedError>;

export const ModelTraffic = ModelReference.extend({
  requests: count("Number of requests that the version answered.", 1000),
  stones: count(
    `Number of priced stones in the sample for drift: in each five minutes, the stones of at most ${DRIFT_SAMPLE.predictionsPerSlice} single predictions and ${DRIFT_SAMPLE.batchesPerSlice} batches.`,
    5000,
  ),
  drift: DriftByColumn.nullable().meta({ description: "Null if the version has no histograms." }),
  live: LiveError,
  coverage: LiveCoverage,
  expected: ExpectedError,
}).meta({ id: "ModelTraffic", description: "The traffic, drift and error of one model version." });
export type ModelTraffic = z.infer<typeof ModelTraffic>;

export const Monitoring = z
  .object({
    window: z.string().meta({ example: "24h" }),
    since: z.iso.datetime().meta({ description: "Start of the first hour of the window." }),
    countedUntil: z.iso.datetime().nullable().meta({
      description: "End of the time in which requests are counted; null before the first count.",
    }),
    ...Traffic,
    periods: z.array(Period).meta({
      description:
        "The window in periods, oldest first: of an hour (`24h`), of 6 hours (`7d`), or of a day in UTC (`30d`). The first and the last one can be shorter.",
    }),
    routes: z
      .array(RouteTraffic)
      .meta({ description: "Traffic by endpoint, the one with the most requests first." }),
    models: z
      .array(ModelTraffic)
      .meta({ description: "Traffic by model version, the one with the most requests first." }),
  })
  .meta({ id: "Monitoring", description: "Traffic, latency, drift and error in a time window." });
export type Monitoring = z.infer<typeof Monitoring>;
