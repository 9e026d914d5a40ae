import type { DatasetSource } from "../src/db/registry.ts";
import { type Dataset, type DatasetStone, datasetId, identify, readDataset } from "./dataset.ts";
import { Failure } from "./failure.ts";
import type { Options } from "./options.ts";
import { readFreshStones } from "./registry/appraisals.ts";
import { readPublished } from "./registry/dataset-file.ts";
import type { PublishedDataset, Registry } from "./registry/state.ts";
import { embeddedSource, findSources } from "./source.ts";

/** What a run trains on, and which of it came with this run's files to a dataset that was there. */
export interface Gathered {
  readonly dataset: Dataset;
  /** Stones of a feed that nobody has seen before: they are checked at the door. */
  readonly feed: readonly DatasetStone[];
}

/**
 * Gathers the stones of a run. With files alone it is those; with `--append` they are added to what is
 * known; without files it is what is known, or the embedded dataset where nothing is. Known are the stones
 * of the newest model's dataset, and those that were appraised through the API since. Withdrawn stones
 * are left out of all of it; a row that is known already is not taken twice.
 */
export async function gather(options: Options, registry: Registry): Promise<Gathered> {
  const continues = options.append || options.data.length === 0;
  const known = continues ? newestDataset(registry) : undefined;
  const sources = options.data.length > 0 ? await findSources(options.data) : known ? [] : [embeddedSource()];
  const [read, before, { appraised, withdrawn }] = await Promise.all([
    sources.length > 0 ? readDataset(sources) : null,
    known ? readPublished(options.target, known) : [],
    readFreshStones(options.target, options.acceptFeed),
  ]);

  const stones = new Map(before.map((stone) => [stone.id, stone]));
  const add = (some: readonly DatasetStone[]) => {
    const fresh = some.filter((stone) => !stones.has(stone.id) && !withdrawn.has(stone.id));
    for (const stone of fresh) stones.set(stone.id, stone);
    return fresh;
  };
  const fresh = add(read?.stones ?? []);
  const sent = continues ? add(identify(appraised).stones) : [];
  for (const id of withdrawn) stones.delete(id);
  if (stones.size === 0) throw new Failure("every stone is withdrawn: nothing is left to train on");

  const all = [...stones.values()];
  return {
    dataset: {
      id: datasetId(all),
      stones: all,
      sources: [...(known?.sources ?? []), ...(read?.sources ?? []), ...appraisalSource(sent)],
      rejected: read?.rejected ?? {},
      examples: read?.examples ?? [],
    },
    feed: known ? fresh : [],
  };
}

function newestDataset(registry: Registry): PublishedDataset | undefined {
  const seq = registry.models[0]?.dataset;
  return registry.datasets.find((dataset) => dataset.seq === seq);
}

function appraisalSource(stones: readonly DatasetStone[]): DatasetSource[] {
  if (stones.length === 0) return [];
  return [{ name: "POST /v1/diamonds", rows: stones.length, rejected: {}, readAt: new Date().toISOString() }];
}
