import { writeFile } from "node:fs/promises";
import { isTest } from "../src/domain/split.ts";
import type { Split, TrainedModel, VersionedModel } from "./candidate.ts";
import type { Dataset, DatasetStone } from "./dataset.ts";
import { decide } from "./decide.ts";
import { Failure } from "./failure.ts";
import { checkAtTheDoor } from "./feed.ts";
import { fitted } from "./fit.ts";
import type { Verdict } from "./gate.ts";
import { gather } from "./gather.ts";
import { imported } from "./import.ts";
import { MODELS } from "./models/index.ts";
import type { PriceModel } from "./models/model.ts";
import type { Options } from "./options.ts";
import { predictionsCsv } from "./predictions.ts";
import { provenance } from "./provenance.ts";
import { preparePublication, writeReports } from "./publication.ts";
import { Overtaken } from "./registry/execute.ts";
import { publish } from "./registry/publish.ts";
import { championOf, nextVersion, type Registry, readRegistry } from "./registry/state.ts";
import { alreadyTrained } from "./settled.ts";

/** What a run did. */
export interface TrainingRun {
  readonly dataset: Dataset;
  /** The registry after the run. */
  readonly registry: Registry;
  readonly models: readonly VersionedModel[];
  readonly verdict: Verdict;
}

/** Told what the run is doing, step by step. */
export type Report = (step: Step, text: string) => void;
export type Step = "read" | "fit" | "judge" | "publish";

const ATTEMPTS = 3;

/**
 * The whole run: read, clean, split, fit, export, evaluate the exported files, judge, publish.
 * @throws Failure in one line where the input or the surroundings are at fault; nothing is published then.
 */
export async function train(
  options: Options,
  report: Report,
  kinds: readonly PriceModel[] = MODELS,
): Promise<TrainingRun> {
  const start = performance.now();
  report("read", "reading the registry and the data");
  const candidates = options.import ? [await imported(options.import)] : kinds.map(fitted);
  const found = await readRegistry(options.target);
  const { dataset, feed } = await gather(options, found);
  report("read", `${dataset.stones.length} stones, ${describeRejected(dataset)}`);
  if (!options.acceptFeed) await checkAtTheDoor(options.target, found, feed);
  const origin = provenance(process.env);
  if (options.promotion !== "force" && !options.forceTrain) {
    const same = alreadyTrained(found, dataset, candidates, {
      seed: options.seed,
      facetVersion: origin.facetVersion,
    });
    if (same !== null) return nothingNew(dataset, found, same);
  }
  const split = splitStones(dataset.stones, options.seed);

  const trained: TrainedModel[] = [];
  for (const { name, make } of candidates) {
    report("fit", name);
    const onProgress = (done: number, total: number) => report("fit", `${name}: ${done} of ${total}`);
    const model = await make(split, { seed: options.seed, onProgress });
    report("fit", `${name}: ${model.fitSeconds.toFixed(1)} s, test MAE $${model.metrics.mae.toFixed(1)}`);
    trained.push(model);
  }
  if (options.predictions !== null) await writeFile(options.predictions, predictionsCsv(split.test, trained));

  for (let attempt = 1, registry = found; ; attempt++, registry = await readRegistry(options.target)) {
    const models = trained.map((model) => ({ ...model, version: nextVersion(registry, model.name) }));
    report("judge", "measuring against the champion");
    const decision = await decide(options, registry, models, split.test);
    const { verdict } = decision;
    report("judge", verdict.reason);
    const publication = preparePublication({
      dataset,
      split,
      models,
      decision,
      origin,
      seed: options.seed,
      history: registry.models,
      start,
    });
    if (options.reports !== null) await writeReports(options.reports, publication);
    if (options.dryRun) return { dataset, registry, models, verdict };
    try {
      const after = await publish(options.target, registry, publication, (text) => report("publish", text));
      return { dataset, registry: after, models, verdict };
    } catch (error) {
      // Somebody else published meanwhile: versions and the decision are made anew on what is there now.
      if (!(error instanceof Overtaken) || attempt === ATTEMPTS) throw error;
    }
  }
}

function describeRejected(dataset: Dataset): string {
  const reasons = Object.entries(dataset.rejected).map(([reason, count]) => `${reason}: ${count}`);
  return reasons.length > 0 ? `rejected ${reasons.join(", ")}` : "none rejected";
}

function splitStones(stones: readonly DatasetStone[], seed: number): Split {
  const split = {
    train: stones.filter((stone) => !isTest(stone.splitKey, seed)),
    test: stones.filter((stone) => isTest(stone.splitKey, seed)),
  };
  if (split.train.length === 0 || split.test.length === 0) {
    throw new Failure(`${stones.length} stones are too few to train and to test on`);
  }
  return split;
}

function nothingNew(dataset: Dataset, registry: Registry, versions: readonly string[]): TrainingRun {
  const champion = championOf(registry);
  return {
    dataset,
    registry,
    models: [],
    verdict: {
      champion: champion && { name: champion.name, version: champion.version },
      promoted: false,
      reason: `nothing new since ${versions.join(", ")}: the same stones, seed and settings; --force-train trains all the same`,
    },
  };
}
