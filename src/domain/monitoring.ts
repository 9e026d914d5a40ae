import { z } from "zod";
import { ModelReference } from "./model-record.ts";

/** Fewer than this say little: a verdict on them would be one on chance. */
export const MIN_STONES_FOR_VERDICT = 200;
/** From here on drift is moderate, and from there on significant (population stability index). */
export const DRIFT_BANDS = { moderate: 0.1, significant: 0.25 } as const;
/** Live errors up to this many times the test error are as tested. */
export const WORSE_THAN_TESTED_RATIO = 1.25;

/**
 * What drift rests on where there is more: of each twelfth of an hour so many predictions of one stone, and
 * so many batches, of each model version.
 */
export const SAMPLE = { parts: 12, singles: 100, batches: 2 } as const;

const count = (description: string, example: number) => z.number().int().meta({ description, example });
const share = (description: string, example: number) => z.number().nullable().meta({ description, example });
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
      "The durations, in milliseconds, that half, 95 % and 99 % of the requests did not exceed. They are counted in bins, so that a figure is off by up to the width of its bin (a third to a half of it).",
  });

const Traffic = {
  requests: count("How many requests.", 1234),
  errorShare: share("Share that failed on our side (5xx); null without requests.", 0.001),
  refusedShare: share("Share that was refused (4xx); null without requests.", 0.05),
  latency: Latency,
};

export const RouteTraffic = z
  .object({
    route: z.string().nullable().meta({
      description: "Pattern of the endpoint; null for paths that have none.",
      example: "/v1/predictions",
    }),
    ...Traffic,
    statuses: z.array(
      z.object({
        status: z.number().int().meta({ example: 404 }),
        requests: Traffic.requests,
        latency: Latency,
      }),
    ),
  })
  .meta({ id: "RouteTraffic" });

export const Drift = z
  .object({
    stones: count("Stones that the figure rests on: those that had this value.", 5000),
    psi: z.number().nullable().meta({
      description:
        "Population stability index against the model's training stones (for the price: against its prices on test stones); null without stones.",
      example: 0.03,
    }),
    verdict: z.enum(["stable", "moderate", "significant", "not enough data"]).meta({
      description: `Stable below ${DRIFT_BANDS.moderate}, significant from ${DRIFT_BANDS.significant}; not enough data below ${MIN_STONES_FOR_VERDICT} stones.`,
    }),
  })
  .meta({ id: "Drift", description: "How far what is asked is from what the model was trained on." });
export type Drift = z.infer<typeof Drift>;

export const LiveError = z
  .object({
    stones: count("Stones whose sale was told.", 250),
    mae: dollars("Mean absolute error over them"),
    mape: share("Mean absolute percentage error over them, as a fraction.", 0.08),
    testMae: dollars("Mean absolute error over the test stones"),
    testMape: share("Mean absolute percentage error over the test stones, as a fraction.", 0.071),
    verdict: z.enum(["as tested", "worse than tested", "not enough data"]).meta({
      description: `Worse from ${WORSE_THAN_TESTED_RATIO} times the test error; not enough data below ${MIN_STONES_FOR_VERDICT} stones.`,
    }),
  })
  .meta({ id: "LiveError", description: "How far prices were from what the stones sold for." });
export type LiveError = z.infer<typeof LiveError>;

export const ModelTraffic = ModelReference.extend({
  requests: count("How many requests it answered.", 1000),
  stones: count(
    `How many of the stones that it priced drift was looked for in: of each five minutes those of at most ${SAMPLE.singles} requests and ${SAMPLE.batches} batches.`,
    5000,
  ),
  drift: z.record(z.string(), Drift).nullable().meta({
    description: "By column, and of the price; null where the version has no histograms.",
  }),
  live: LiveError,
}).meta({ id: "ModelTraffic" });
export type ModelTraffic = z.infer<typeof ModelTraffic>;

export const Monitoring = z
  .object({
    window: z.string().meta({ example: "24h" }),
    since: z.iso.datetime().meta({ description: "Beginning of the first hour that is in." }),
    countedUntil: z.iso.datetime().nullable().meta({
      description: "Until when requests are counted; null before the first count.",
    }),
    ...Traffic,
    routes: z.array(RouteTraffic).meta({ description: "By endpoint, the busiest first." }),
    models: z.array(ModelTraffic).meta({ description: "By model version, the busiest first." }),
  })
  .meta({ id: "Monitoring" });
export type Monitoring = z.infer<typeof Monitoring>;
