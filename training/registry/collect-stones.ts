import { UserError } from "../../cloudflare/user-error.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import { type Dataset, type KnownSources, mergeStones } from "../data/dataset.ts";
import { assignIds, type DatasetStone } from "../data/dataset-stone.ts";
import { readSources, type SourceStones } from "../data/read-sources.ts";
import { createEmbeddedSource, findSources } from "../data/source.ts";
import { readDatasetFile } from "./dataset-file.ts";
import type { FreshStones } from "./fresh-stones.ts";
import { findChampion, type PublishedDataset, type PublishedModel, type Registry } from "./read-registry.ts";

/** The options that select the stones of a run. */
export interface StoneSelection {
  /** Paths, globs or addresses of CSV files. Without files, the run uses the known stones. */
  readonly data: readonly string[];
  /** Add the files to the known stones instead of training only on the files. */
  readonly append?: boolean;
  readonly target: Target;
}

/** The stones of a run. */
export interface CollectedStones {
  readonly dataset: Dataset;
  /** The stones that `--append` adds to the newest dataset. The feed check compares their prices. */
  readonly feed: readonly DatasetStone[];
}

/**
 * Collects the stones of a run.
 * - With files, the run uses only the stones of the files.
 * - With files and `append`, it also uses the known stones.
 * - Without files, it uses the known stones. If there are none, it uses the embedded dataset.
 *
 * Known stones are the stones of the newest model's dataset whose stones were accepted, and the stones that were appraised through the
 * API. Withdrawn stones are never used. Duplicates are removed.
 * @param knownSources the sources of the newest model's dataset
 * @throws UserError if no stone is left
 */
export async function collectStones(
  options: StoneSelection,
  registry: Registry,
  { appraised, withdrawn }: FreshStones,
  knownSources: KnownSources,
): Promise<CollectedStones> {
  const usesKnownStones = options.append || options.data.length === 0;
  const newest = findNewestDataset(registry);
  const fileSources = await findSources(options.data);
  const sources = options.data.length === 0 && newest === undefined ? [createEmbeddedSource()] : fileSources;
  const [sourceStones, known] = await Promise.all([
    readSources(sources),
    newest !== undefined && usesKnownStones ? readDatasetFile(options.target, newest) : [],
  ]);

  const appraisals = usesKnownStones && appraised.length > 0 ? [toApiSource(assignIds(appraised))] : [];
  const { dataset } = mergeStones(known, [...sourceStones, ...appraisals], withdrawn);
  if (dataset.stones.length === 0) {
    throw new UserError("there are no stones to train on: all stones are withdrawn");
  }
  const base = usesKnownStones && newest !== undefined ? { seq: newest.seq, sources: knownSources } : null;
  return {
    dataset: { ...dataset, base },
    feed: options.append ? mergeStones(known, sourceStones, withdrawn).newStones : [],
  };
}

/** Later runs do not start from stones that were not accepted. Somebody may have promoted them since. */
function findNewestDataset(registry: Registry): PublishedDataset | undefined {
  const champion = findChampion(registry);
  const isAccepted = (model: PublishedModel) =>
    !model.hasFaults || (champion !== null && formatVersion(model) === formatVersion(champion));
  const seq = registry.models.find(isAccepted)?.dataset;
  return registry.datasets.find((dataset) => dataset.seq === seq);
}

function toApiSource(stones: readonly DatasetStone[]): SourceStones {
  const readAt = new Date().toISOString();
  const source = { name: "POST /v1/diamonds", rows: stones.length, rejected: {}, readAt };
  return { stones, source, examples: [] };
}
