import { writeFile } from "node:fs/promises";
import { ConflictError } from "../cloudflare/d1.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { isTestStone } from "../src/domain/split.ts";
import { createFitBuilder } from "./builders/fit.ts";
import { createImportBuilder } from "./builders/import.ts";
import type { ModelBuilder, Split, TrainedModel, VersionedModel } from "./builders/model-builder.ts";
import type { Options } from "./cli/options.ts";
import { collectStones } from "./data/collect-stones.ts";
import { toPredictionsCsv, toStonesCsv } from "./data/csv.ts";
import type { Dataset, DatasetStone } from "./data/dataset.ts";
import { checkFeedPrices } from "./data/feed-check.ts";
import { type Decision, decide } from "./evaluation/decide.ts";
import { dollars, type Verdict } from "./evaluation/promotion-policy.ts";
import { MODELS } from "./models/index.ts";
import type { PriceModel } from "./models/model.ts";
import { readProvenance } from "./publish/provenance.ts";
import { preparePublication, writeReports } from "./publish/publication.ts";
import { publish } from "./publish/publish.ts";
import { findUpToDateVersions } from "./publish/up-to-date.ts";
import { readChampion } from "./registry/champion.ts";
import { findChampion, nextVersion, type Registry, readForTraining } from "./registry/read-registry.ts";

/** What a run did. */
export interface TrainingRun {
  readonly dataset: Dataset;
  /** The registry after the run. */
  readonly registry: Registry;
  readonly models: readonly VersionedModel[];
  /** Who serves now, and why. */
  readonly outcome: Pick<Verdict, "champion" | "promoted" | "reason">;
  /** What the models were judged by; null where nothing was trained. */
  readonly decision: Decision | null;
}

/** Told what the run is doing, step by step. */
export type ReportProgress = (step: Step, text: string) => void;
export type Step = "read" | "fit" | "judge" | "publish";

const ATTEMPTS = 3;

/**
 * The whole run: read, clean, split, fit, export, evaluate the exported files, judge, publish.
 * @throws Failure in one line where the input or the surroundings are at fault; nothing is published then.
 */
export async function train(
  options: Options,
  report: ReportProgress,
  kinds: readonly PriceModel[] = MODELS,
): Promise<TrainingRun> {
  const start = performance.now();
  const { target, seed, promotion } = options;
  const candidates = options.import
    ? [await createImportBuilder(options.import)]
    : kinds.map(createFitBuilder);
  const origin = readProvenance(process.env);
  const made = new Map<string, readonly TrainedModel[]>();
  for (let attempt = 1; ; attempt++) {
    report("read", "reading the registry and the data");
    const { registry, fresh } = await readForTraining(target, options.acceptFeed);
    refuseAliases(registry, candidates);
    const [{ dataset, feed }, champion] = await Promise.all([
      collectStones(options, registry, fresh),
      readChampion(target, registry),
    ]);
    report("read", `${dataset.stones.length} stones, ${describeRejected(dataset)}`);
    if (!options.acceptFeed) await checkFeedPrices(champion, feed);
    if (mayBeSettled(options) && champion !== null && champion.bytes !== null) {
      const same = findUpToDateVersions(registry, dataset, candidates, { seed, ...origin });
      if (same !== null) return nothingNew(dataset, registry, same);
    }

    const split = splitStones(dataset.stones, seed);
    if (options.trainingRows !== null) await writeFile(options.trainingRows, toStonesCsv(split.train));
    const trained = made.get(dataset.id) ?? (await makeAll(candidates, split, seed, report));
    made.set(dataset.id, trained);
    if (options.predictions !== null)
      await writeFile(options.predictions, toPredictionsCsv(split.test, trained));

    const models = trained.map((model) => ({ ...model, version: nextVersion(registry, model.name) }));
    report("judge", "measuring against the champion");
    const decision = await decide(promotion, champion, models, split.test);
    const outcome = decision.verdict;
    report("judge", outcome.reason);
    const run = { dataset, split, models, decision, origin, seed, history: registry.models, start };
    const publication = preparePublication(run);
    if (options.reports !== null) await writeReports(options.reports, publication);
    if (options.dryRun) return { dataset, registry, models, outcome, decision };
    try {
      const after = await publish(target, registry, publication, (text) => report("publish", text));
      return { dataset, registry: after, models, outcome, decision };
    } catch (error) {
      // Somebody else published meanwhile: what is known, versions and the decision are made anew.
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Whether the run may end without training where nothing is new: nothing was asked for that needs the models. */
function mayBeSettled({ promotion, forceTrain, dryRun, predictions, trainingRows }: Options): boolean {
  return promotion !== "force" && !forceTrain && !dryRun && predictions === null && trainingRows === null;
}

/** A selector is an alias or a model's name: what is both would hide one of them. */
function refuseAliases({ aliases }: Registry, candidates: readonly ModelBuilder[]): void {
  const taken = candidates.find(({ name }) => aliases.some(({ alias }) => alias === name));
  if (taken) throw new UserError(`${taken.name} is an alias already; a model must have a name of its own`);
}

async function makeAll(
  candidates: readonly ModelBuilder[],
  split: Split,
  seed: number,
  report: ReportProgress,
): Promise<TrainedModel[]> {
  const models: TrainedModel[] = [];
  for (const { name, build: make } of candidates) {
    report("fit", name);
    const onProgress = (done: number, total: number) => report("fit", `${name}: ${done} of ${total}`);
    const model = await make(split, { seed, onProgress });
    report("fit", `${name}: ${model.fitSeconds.toFixed(1)} s, test MAE ${dollars(model.metrics.mae)}`);
    models.push(model);
  }
  return models;
}

function describeRejected(dataset: Dataset): string {
  const reasons = Object.entries(dataset.rejected).map(([reason, count]) => `${reason}: ${count}`);
  return reasons.length > 0 ? `rejected ${reasons.join(", ")}` : "none rejected";
}

function splitStones(stones: readonly DatasetStone[], seed: number): Split {
  const split = {
    train: stones.filter((stone) => !isTestStone(stone.splitKey, seed)),
    test: stones.filter((stone) => isTestStone(stone.splitKey, seed)),
  };
  if (split.train.length === 0 || split.test.length === 0) {
    throw new UserError(`${stones.length} stones are too few to train and to test on`);
  }
  return split;
}

function nothingNew(dataset: Dataset, registry: Registry, versions: readonly string[]): TrainingRun {
  const champion = findChampion(registry);
  return {
    dataset,
    registry,
    models: [],
    outcome: {
      champion: champion && { name: champion.name, version: champion.version },
      promoted: false,
      reason: `nothing new since ${versions.join(", ")}: the same stones, seed and settings; --force-train trains all the same`,
    },
    decision: null,
  };
}
