import { writeFile } from "node:fs/promises";
import { ConflictError } from "../cloudflare/d1.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { formatDollars } from "../src/lib/format.ts";
import { describeReview } from "./appraisals/describe-review.ts";
import { acceptAppraisals, holdAppraisals } from "./appraisals/store-review.ts";
import { createFitBuilder } from "./builders/fit.ts";
import { createImportBuilder, type ImportOptions } from "./builders/import.ts";
import type { ModelBuilder } from "./builders/model-builder.ts";
import type { Dataset } from "./data/dataset.ts";
import { type Split, splitStones } from "./data/split.ts";
import { toPredictionsCsv } from "./data/to-csv.ts";
import { writeStones } from "./data/write-stones.ts";
import { decidePromotion, type PromotionDecision } from "./evaluation/decide-promotion.ts";
import { checkFeedPrices } from "./evaluation/feed-check.ts";
import type { PromotionMode, Verdict } from "./evaluation/promotion-policy.ts";
import { describeRareGrades } from "./evaluation/rare-grades.ts";
import { MODELS } from "./models/index.ts";
import type { PriceModel } from "./models/model.ts";
import type { TrainedModel, VersionedModel } from "./models/trained-model.ts";
import { preparePublication, writeModelCards } from "./publish/publication.ts";
import { publish } from "./publish/publish.ts";
import { findUpToDateVersions } from "./publish/up-to-date.ts";
import { type Champion, readChampion } from "./registry/champion.ts";
import { readVersionStones } from "./registry/champion-stones.ts";
import { collectStones, createFileReader, type StoneSelection } from "./registry/collect-stones.ts";
import { type Provenance, readProvenance } from "./registry/provenance.ts";
import {
  findChampion,
  findNextVersion,
  type Registry,
  readTrainingInputs,
} from "./registry/read-registry.ts";

export interface TrainingOptions extends StoneSelection {
  /** The file to import instead of fitting models; null for a fit. */
  readonly import: ImportOptions | null;
  /** Promote a model even if its training stones cover less than the champion's. */
  readonly acceptCoverage?: boolean;
  /** Train even if nothing is new since the last run. */
  readonly forceTrain?: boolean;
  readonly seed: number;
  readonly promote: PromotionMode;
  readonly dryRun?: boolean;
  /** File for the test stones with the price of each model, as CSV. */
  readonly predictions?: string;
  /** File for the training stones of the split: Parquet if it ends with `.parquet`, else CSV. */
  readonly trainingRows?: string;
  /** Folder for the model card of each model, as HTML. */
  readonly report?: string;
}

/** The result of a run. */
export interface TrainingRun {
  readonly dataset: Dataset;
  /** The registry after the run. */
  readonly registry: Registry;
  readonly models: readonly VersionedModel[];
  /** The champion after the run, and the reason for it. */
  readonly outcome: Pick<Verdict, "champion" | "promoted" | "reason">;
  /** The measurements behind the outcome; null if nothing was trained. */
  readonly decision: PromotionDecision | null;
  /** What a reader of the result must know, a sentence each: what was assumed, held or is missing. */
  readonly notes: readonly string[];
  /** Those notes that an operator should act on. */
  readonly alerts: readonly string[];
}

export type PipelineStep = "read" | "fit" | "judge" | "publish";
export type ReportProgress = (step: PipelineStep, text: string) => void;

/** The values that a run keeps when it starts again after a conflict. */
interface RunContext {
  readonly options: TrainingOptions;
  readonly reportProgress: ReportProgress;
  readonly builders: readonly ModelBuilder[];
  readonly provenance: Provenance;
  /** By `performance.now()`, milliseconds. */
  readonly startedAt: number;
  /** Reads the files of the options once. */
  readonly readFiles: ReturnType<typeof createFileReader>;
  /** Models that were already built, by the id of their dataset. */
  readonly builtModels: Map<string, readonly TrainedModel[]>;
}

const MAX_ATTEMPTS = 3;

/**
 * Trains, evaluates and publishes models. If another run publishes at the same time, the run starts again
 * with the new registry: versions and the decision depend on it.
 * @throws UserError for a fault of the input or the environment; nothing is published then
 */
export async function train(
  options: TrainingOptions,
  reportProgress: ReportProgress,
  priceModels: readonly PriceModel[] = MODELS,
): Promise<TrainingRun> {
  const context = {
    options,
    reportProgress,
    builders:
      options.import === null
        ? priceModels.map(createFitBuilder)
        : [await createImportBuilder(options.import)],
    provenance: readProvenance(process.env),
    startedAt: performance.now(),
    readFiles: createFileReader(options.data),
    builtModels: new Map(),
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await runPipeline(context);
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Reads, cleans and splits stones; fits, exports and evaluates models; judges and publishes them. */
async function runPipeline(context: RunContext): Promise<TrainingRun> {
  const { options, reportProgress, builders, provenance, startedAt } = context;
  const { target, seed } = options;

  reportProgress("read", "reading the registry and the data");
  const { registry, fresh, knownSources } = await readTrainingInputs(target);
  checkModelNames(builders, registry);
  const readingChampion = readChampion(target, registry);
  const [{ dataset, feed, review }, champion] = await Promise.all([
    collectStones(options, context.readFiles, registry, fresh, knownSources, readingChampion),
    readingChampion,
  ]);
  reportProgress("read", `${dataset.stones.length} stones, ${formatRejected(dataset)}`);
  if (!options.acceptFeed) await checkFeedPrices(champion, feed);
  const reviewNotes = describeReview(review, options.dryRun ?? false);
  const builderNotes = builders.flatMap((builder) => builder.notes ?? []);
  const notes = [...builderNotes, ...(dataset.notes ?? []), ...reviewNotes];
  const alerts = options.acceptFeed ? [] : [...reviewNotes];
  if (!options.acceptFeed && !options.dryRun) await holdAppraisals(target, review.exceeding);
  if (canSkipTraining(options, champion)) {
    const { facetVersion } = provenance;
    const versions = findUpToDateVersions(registry, dataset, builders, { seed, facetVersion });
    if (versions !== null) {
      if (options.acceptFeed) await acceptAppraisals(target, review);
      return { ...describeSkippedRun(dataset, registry, versions), notes, alerts };
    }
  }

  const split = splitStones(dataset.stones, seed);
  if (options.trainingRows !== undefined) await writeStones(options.trainingRows, split.train);
  const trainedModels = context.builtModels.get(dataset.id) ?? (await buildModels(context, split));
  context.builtModels.set(dataset.id, trainedModels);
  notes.push(...trainedModels.flatMap((model) => model.notes ?? []));
  if (options.predictions !== undefined)
    await writeFile(options.predictions, toPredictionsCsv(split.test, trainedModels));

  reportProgress("judge", "comparing with the champion");
  const models = trainedModels.map((model) => ({ ...model, version: findNextVersion(registry, model.name) }));
  const decision = await decidePromotion(options.promote, champion, models, split.test, {
    training: split.train,
    seed,
    champion: champion && (await readVersionStones(target, registry, champion.model, fresh.withdrawn)),
    acceptCoverage: options.acceptCoverage ?? false,
    isImport: options.import !== null,
  });
  notes.push(...(decision.notes ?? []), ...describeRareGrades(split.train));
  const outcome = decision.verdict;
  if (decision.faults?.length && !outcome.promoted) alerts.push(`the stones are refused: ${outcome.reason}`);
  reportProgress("judge", outcome.reason);

  const run = { dataset, split, models, decision, provenance, seed, registry, startedAt };
  const publication = preparePublication(run);
  if (options.report !== undefined) await writeModelCards(options.report, publication);
  if (options.dryRun) return { dataset, registry, models, outcome, decision, notes, alerts };
  const newRegistry = await publish(target, registry, publication, (text) => reportProgress("publish", text));
  if (options.acceptFeed) await acceptAppraisals(target, review);
  return { dataset, registry: newRegistry, models, outcome, decision, notes, alerts };
}

/** @throws UserError if a model has the name of an alias. A selector would then be ambiguous. */
function checkModelNames(builders: readonly ModelBuilder[], { aliases }: Registry): void {
  const builder = builders.find(({ name }) => aliases.some(({ alias }) => alias === name));
  if (builder) throw new UserError(`${builder.name} is an alias; a model must have a different name`);
}

/**
 * Returns whether a run without new data may end early. This needs a champion whose file can be read, and no
 * option that needs trained models.
 */
function canSkipTraining(options: TrainingOptions, champion: Champion | null): boolean {
  const { promote, forceTrain, dryRun, predictions, trainingRows } = options;
  const needsModels = promote === "force" || forceTrain || dryRun;
  const writesFiles = predictions !== undefined || trainingRows !== undefined;
  return !needsModels && !writesFiles && champion !== null && champion.bytes !== null;
}

async function buildModels(context: RunContext, split: Split): Promise<TrainedModel[]> {
  const { options, reportProgress, builders } = context;
  const models: TrainedModel[] = [];
  for (const builder of builders) {
    const { name } = builder;
    reportProgress("fit", name);
    const model = await builder.build(split, {
      seed: options.seed,
      onProgress: (done, total) => reportProgress("fit", `${name}: ${done} of ${total}`),
      onFold: (fold, folds) => reportProgress("fit", `${name}: calibrating, fit ${fold} of ${folds}`),
    });
    const mae = formatDollars(model.metrics.mae);
    reportProgress("fit", `${name}: ${model.fitSeconds.toFixed(1)} s, test MAE ${mae}`);
    models.push(model);
  }
  return models;
}

function formatRejected({ rejected }: Dataset): string {
  const reasons = Object.entries(rejected).map(([reason, count]) => `${reason}: ${count}`);
  return reasons.length > 0 ? `rejected ${reasons.join(", ")}` : "none rejected";
}

function describeSkippedRun(
  dataset: Dataset,
  registry: Registry,
  versions: readonly string[],
): Omit<TrainingRun, "notes" | "alerts"> {
  const champion = findChampion(registry);
  return {
    dataset,
    registry,
    models: [],
    outcome: {
      champion: champion && { name: champion.name, version: champion.version },
      promoted: false,
      reason: `nothing new since ${versions.join(", ")}: same stones, seed and settings; use --force-train to train anyway`,
    },
    decision: null,
  };
}
