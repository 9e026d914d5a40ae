import { z } from "zod";
import { Calibration } from "../prediction/calibration.ts";
import { Background } from "../prediction/explanation.ts";
import { Plausibility } from "../prediction/plausibility.ts";
import { ModelReference } from "./model-reference.ts";

const dollars = (text: string, example: number) =>
  z.number().meta({ description: `${text}, US dollars.`, example });
const fraction = (text: string, example: number) =>
  z.number().meta({ description: `${text}, as a fraction.`, example });

/** The errors of a model's prices on the stones of the test split. */
export const Figures = z
  .object({
    mae: dollars("Mean absolute error", 275.4),
    rmse: dollars("Root mean squared error", 541.2),
    r2: z.number().nullable().meta({
      description: "Coefficient of determination; null if all prices are equal.",
      example: 0.981,
    }),
    mape: fraction("Mean absolute percentage error", 0.071),
    medianApe: fraction("Median absolute percentage error", 0.052),
    within10: fraction("Stones priced within 10 % of their price", 0.78),
    rows: z.number().int().meta({ description: "Number of test stones.", example: 10784 }),
  })
  .meta({ id: "Figures", description: "The errors of a model's prices on test stones." });
export type Figures = z.infer<typeof Figures>;

/** {@link Figures} over all test stones, and per carat band. A band without stones is left out. */
export const Metrics = Figures.extend({
  bands: z.record(z.string(), Figures).meta({ description: "The same errors per carat band." }),
}).meta({
  id: "Metrics",
  description: "The errors of a model's prices on all test stones, and per carat band.",
});
export type Metrics = z.infer<typeof Metrics>;

/** Smallest and largest value of each number column in the training rows. */
export const Ranges = z
  .record(z.string(), z.tuple([z.number(), z.number()]))
  .meta({ id: "Ranges", description: "Smallest and largest value of each column in the training rows." });
export type Ranges = z.infer<typeof Ranges>;

const Histogram = z
  .object({
    edges: z
      .array(z.number())
      .optional()
      .meta({ description: "Inner edges of the bins of a number column, ascending." }),
    counts: z.record(z.string(), z.number().int()).meta({
      description: "Number of rows by grade, or by the index of the bin for a number column.",
    }),
  })
  .meta({ id: "Histogram", description: "The distribution of one column." });

/** Counts of values per bin or grade, by column. Drift is measured against them. */
export const Histograms = z.record(z.string(), Histogram).meta({
  id: "Histograms",
  description:
    "Distribution of each input in the training rows, and of the model's own price over the test stones.",
});
export type Histograms = z.infer<typeof Histograms>;

const Gain = z
  .record(z.string(), z.number())
  .meta({ id: "Gain", description: "Fraction of the total gain of all splits, by feature." });

/** The influence of each feature or column on a model's prices. */
export const Importance = z
  .object({
    gain: Gain.nullable().meta({ description: "Null for a model without trees." }),
    permutation: z.record(z.string(), z.number()).meta({
      description:
        "Increase of the test MAE, in US dollars, when the values of a column are shuffled among the stones.",
    }),
  })
  .meta({ id: "Importance", description: "The influence of each feature or column on a model's prices." });
export type Importance = z.infer<typeof Importance>;

const BandDecision = z
  .object({ rows: z.number().int(), mae: z.number(), championMae: z.number().nullable() })
  .meta({ id: "BandDecision", description: "The comparison with the champion in one carat band." });

const GroupPrices = z
  .object({
    rows: z.number().int(),
    medianRatio: z.number().meta({
      description: "Median of this version's price divided by the champion's.",
      example: 1.08,
    }),
    mae: z.number().meta({
      description:
        "Mean absolute error of this version, US dollars, after the move of the market was taken out of its prices, because the stones have earlier prices: the median ratio of all stones, and up to a tenth more or less for each carat band and grade.",
      example: 241.8,
    }),
    championMae: dollars("Mean absolute error of the champion", 248.5),
  })
  .meta({
    id: "GroupPrices",
    description: "The prices of a version against the champion's on the same stones.",
  });

/** The prices of a version against the champion's, on stones that were known before the run. */
const PriceChange = GroupPrices.extend({
  groups: z
    .record(z.string(), GroupPrices)
    .meta({ description: "The same by carat band and grade, such as `1-1.5 carat` and `cut Ideal`." }),
}).meta({
  id: "PriceChange",
  description: "The prices of a version against the champion's, on the champion's own test stones.",
});

/** The comparison of a version with the champion at the time of its training. */
export const Decision = z
  .object({
    champion: ModelReference.nullable().meta({
      description: "The champion that the version was compared with; null if there was none.",
    }),
    rows: z.number().int().meta({ description: "Number of test stones that both models priced." }),
    mae: z.number().meta({ description: "Mean absolute error of this version on these stones, US dollars." }),
    championMae: z
      .number()
      .nullable()
      .meta({ description: "Mean absolute error of the champion on these stones, US dollars." }),
    bands: z
      .record(z.string(), BandDecision)
      .meta({ description: "The same figures per carat band; empty if there was no champion." }),
    prices: PriceChange.nullable().optional().meta({
      description:
        "Null if there was no champion or no such stone. Left out for versions that were published before it existed.",
    }),
    faults: z.array(z.string()).optional().meta({
      description:
        "Why the stones of the run were not accepted: later runs do not start from them. Left out for older versions.",
    }),
    promoted: z.boolean(),
    reason: z.string(),
  })
  .meta({ id: "Decision", description: "Whether a version became the champion, and why." });
export type Decision = z.infer<typeof Decision>;

/** A model version in a list. */
export const ModelSummary = ModelReference.extend({
  createdAt: z.iso.datetime(),
  metrics: Metrics,
  trainRows: z.number().int(),
  testRows: z.number().int(),
  bytes: z.number().int().meta({ description: "Size of the ONNX file." }),
  fitSeconds: z.number(),
  dataset: z.string().meta({ description: "Id of the dataset: the hash of its canonical rows." }),
}).meta({ id: "ModelSummary", description: "A model version in a list." });
export type ModelSummary = z.infer<typeof ModelSummary>;

/** A file or feed that supplied rows of a dataset. */
export const DatasetSource = z
  .object({
    name: z.string().meta({ description: "The file, the URL or the feed.", example: "diamonds.csv" }),
    rows: z.number().int().meta({ description: "Number of rows that were accepted.", example: 53917 }),
    rejected: z
      .record(z.string(), z.number().int())
      .meta({ description: "Number of rows that were rejected, by reason." }),
    readAt: z.iso.datetime(),
  })
  .meta({ id: "DatasetSource", description: "A file or feed that supplied rows of a dataset." });
/** The record of a version lists this many sources: about 250 KB. */
export const MAX_LISTED_SOURCES = 2_000;
export type DatasetSource = z.infer<typeof DatasetSource>;

/** A model version with its full provenance: data, settings, code and training run. */
export const ModelRecord = ModelSummary.extend({
  sha256: z.string().meta({ description: "SHA-256 of the ONNX file, hexadecimal." }),
  key: z.string().meta({ description: "Key of the ONNX file in the bucket." }),
  memoryBytes: z.number().int().nullable().meta({
    description:
      "The most memory that the model takes while it is loaded and prices 1,000 stones; null if it was not measured.",
    example: 29_800_000,
  }),
  sessionBytes: z.number().int().nullable().meta({
    description: "Memory that the model keeps once it is loaded; null if it was not measured.",
    example: 6_900_000,
  }),
  seed: z.number().int(),
  hyperparameters: z.record(z.string(), z.unknown()),
  ranges: Ranges,
  rejected: z
    .record(z.string(), z.number().int())
    .meta({ description: "Number of source rows that were rejected, by reason." }),
  calibration: Calibration.nullable().meta({
    description: "The ranges of prices are computed from it; null for a version that has none.",
  }),
  plausibility: Plausibility.nullable().meta({
    description: "The warnings are computed from it; null for a version that has none.",
  }),
  background: Background.nullable().meta({
    description: "Explanations are computed from it; null for a version that has none.",
  }),
  importance: Importance.nullable(),
  decision: Decision.nullable(),
  histograms: Histograms.nullable(),
  datasetRows: z
    .number()
    .int()
    .meta({ description: "Number of stones in the dataset, training and test split together." }),
  sources: z.array(DatasetSource).meta({
    description: `The files and feeds that the dataset was made from, oldest first. All before the newest ${MAX_LISTED_SOURCES.toLocaleString("en-US")} are added up to one entry.`,
  }),
  runBy: z.string().meta({ description: "URL of the CI run, or `local`." }),
  runSeconds: z.number(),
  gitCommit: z.string().nullable(),
  facetVersion: z.string(),
}).meta({
  id: "ModelRecord",
  description: "A model version with its full provenance: data, settings, code and training run.",
});
export type ModelRecord = z.infer<typeof ModelRecord>;
