import { z } from "zod";
import { ModelName } from "./model-selector.ts";

const dollars = (text: string, example: number) =>
  z.number().meta({ description: `${text}, US dollars.`, example });
const fraction = (text: string, example: number) =>
  z.number().meta({ description: `${text}, as a fraction.`, example });

/** How far a model's prices are from the real ones, over the test split. */
export const Figures = z
  .object({
    mae: dollars("Mean absolute error", 275.4),
    rmse: dollars("Root mean squared error", 541.2),
    r2: z.number().nullable().meta({
      description: "Coefficient of determination; null where all prices are equal.",
      example: 0.981,
    }),
    mape: fraction("Mean absolute percentage error", 0.071),
    medianApe: fraction("Median absolute percentage error", 0.052),
    within10: fraction("Share of stones priced within 10 % of their price", 0.78),
    rows: z.number().int().meta({ description: "Test stones behind these figures.", example: 10784 }),
  })
  .meta({ id: "Figures" });
export type Figures = z.infer<typeof Figures>;

/** {@link Figures} over all test stones, and the same per carat band; a band without stones is left out. */
export const Metrics = Figures.extend({
  bands: z.record(z.string(), Figures).meta({ description: "The same per carat band." }),
}).meta({ id: "Metrics" });
export type Metrics = z.infer<typeof Metrics>;

/** Smallest and largest value of each number column over the training rows. */
export const Ranges = z
  .record(z.string(), z.tuple([z.number(), z.number()]))
  .meta({ id: "Ranges", description: "Smallest and largest value of each column in the training rows." });
export type Ranges = z.infer<typeof Ranges>;

/** How values of a column fall into bins or grades: what drift is measured against. */
export const Histograms = z
  .record(
    z.string(),
    z.object({
      edges: z
        .array(z.number())
        .optional()
        .meta({ description: "Inner edges of the bins of a number column, ascending." }),
      counts: z.record(z.string(), z.number().int()).meta({
        description: "Rows by grade, or by the bin's place for a number column.",
      }),
    }),
  )
  .meta({
    id: "Histograms",
    description:
      "Distribution of each input in the training rows, and of the model's own price over the test stones.",
  });
export type Histograms = z.infer<typeof Histograms>;

export const ModelReference = z
  .object({ name: ModelName, version: z.number().int().positive().meta({ example: 1 }) })
  .meta({ id: "ModelReference", description: "One version of one model." });
export type ModelReference = z.infer<typeof ModelReference>;

/** What a model's prices hang on. */
export const Importance = z
  .object({
    gain: z.record(z.string(), z.number()).nullable().meta({
      description:
        "Share of each feature in what the splits gained, for models of trees that were fitted here.",
    }),
    permutation: z.record(z.string(), z.number()).meta({
      description:
        "By how many dollars the test MAE grows when a column's values are shuffled among the stones.",
    }),
  })
  .meta({ id: "Importance" });
export type Importance = z.infer<typeof Importance>;

/** A version's comparison with the champion of its time. */
export const Decision = z
  .object({
    champion: ModelReference.nullable().meta({ description: "The champion it was measured against." }),
    rows: z.number().int().meta({ description: "Test stones that both were measured on." }),
    mae: z.number().meta({ description: "Mean absolute error of this version on them, US dollars." }),
    championMae: z.number().nullable().meta({ description: "That of the champion, US dollars." }),
    bands: z
      .record(
        z.string(),
        z.object({ rows: z.number().int(), mae: z.number(), championMae: z.number().nullable() }),
      )
      .meta({ description: "The same by carat band; empty where there was no champion." }),
    promoted: z.boolean(),
    reason: z.string(),
  })
  .meta({ id: "Decision" });
export type Decision = z.infer<typeof Decision>;

/** What the lists of models show. */
export const ModelSummary = ModelReference.extend({
  createdAt: z.iso.datetime(),
  metrics: Metrics,
  trainRows: z.number().int(),
  testRows: z.number().int(),
  bytes: z.number().int().meta({ description: "Size of the ONNX file." }),
  fitSeconds: z.number(),
  dataset: z.string().meta({ description: "Id of the dataset: the hash of its canonical rows." }),
}).meta({ id: "ModelSummary" });
export type ModelSummary = z.infer<typeof ModelSummary>;

/** A file or feed that rows of a dataset came from. */
export const DatasetSource = z
  .object({
    name: z.string().meta({ description: "The file, the address, or the feed.", example: "diamonds.csv" }),
    rows: z.number().int().meta({ description: "Rows that were taken.", example: 53917 }),
    rejected: z.record(z.string(), z.number().int()).meta({ description: "Rows that were not, by reason." }),
    readAt: z.iso.datetime(),
  })
  .meta({ id: "DatasetSource", description: "Where rows of a dataset came from." });
export type DatasetSource = z.infer<typeof DatasetSource>;

/** A time in which an alias pointed at a version. */
export const AliasPeriod = z
  .object({
    alias: z.string().meta({ example: "champion" }),
    role: z.enum(["target", "canary"]).meta({
      description:
        "`canary`: it answered a share of the requests, beside the version that it was tried against.",
    }),
    share: z.number().int().nullable().meta({
      description:
        "Percent of predictions: of a canary, those it answered; of a challenger, those it shadowed.",
    }),
    from: z.iso.datetime(),
    until: z.iso.datetime().nullable().meta({ description: "Null: it still does." }),
    revision: z.number().int(),
    actor: z.string(),
    reason: z.string(),
  })
  .meta({ id: "Reign", description: "A time in which an alias pointed at the version." });
export type AliasPeriod = z.infer<typeof AliasPeriod>;

/** One version in full: everything that is needed to tell where a price came from. */
export const ModelRecord = ModelSummary.extend({
  sha256: z.string().meta({ description: "SHA-256 of the ONNX file, hexadecimal." }),
  key: z.string().meta({ description: "Where the ONNX file lies in the bucket." }),
  seed: z.number().int(),
  hyperparameters: z.record(z.string(), z.unknown()),
  ranges: Ranges,
  rejected: z
    .record(z.string(), z.number().int())
    .meta({ description: "Rows of the source that were rejected, by reason." }),
  importance: Importance.nullable(),
  decision: Decision.nullable(),
  histograms: Histograms.nullable(),
  datasetRows: z.number().int().meta({ description: "Stones in the dataset, on both sides of the split." }),
  sources: z.array(DatasetSource).meta({ description: "Where the dataset's stones came from, and when." }),
  runBy: z.string().meta({ description: "Address of the CI run, or `local`." }),
  runSeconds: z.number(),
  gitCommit: z.string().nullable(),
  facetVersion: z.string(),
}).meta({ id: "ModelRecord" });
export type ModelRecord = z.infer<typeof ModelRecord>;
