import { UserError } from "../../cloudflare/user-error.ts";
import type { Options } from "../cli/options.ts";
import { readDatasetFile } from "../registry/dataset-file.ts";
import type { FreshStones } from "../registry/fresh-stones.ts";
import type { PublishedDataset, Registry } from "../registry/read-registry.ts";
import {
  assignIds,
  type Dataset,
  type DatasetStone,
  mergeStones,
  readSources,
  type SourceRows,
} from "./dataset.ts";
import { embeddedSource, findSources } from "./source.ts";

/** What a run trains on. */
export interface CollectedStones {
  readonly dataset: Dataset;
  /** Stones that `--append` adds and that the newest dataset does not have: they are checked at the door. */
  readonly feed: readonly DatasetStone[];
}

/**
 * Gathers the stones of a run. With files alone it is those; with `--append` they are added to what is
 * known; without files it is what is known, or the embedded dataset where nothing is. Known are the stones
 * of the newest model's dataset, and those that were appraised through the API since. Withdrawn stones
 * are left out of all of it; a row that is known already is not taken twice.
 */
export async function collectStones(
  options: Pick<Options, "append" | "data" | "target">,
  registry: Registry,
  { appraised, withdrawn }: FreshStones,
): Promise<CollectedStones> {
  const continues = options.append || options.data.length === 0;
  const newest = newestDataset(registry);
  const named = await findSources(options.data);
  const sources = options.data.length === 0 && newest === undefined ? [embeddedSource()] : named;
  const [read, known] = await Promise.all([
    readSources(sources),
    newest !== undefined && continues ? readDatasetFile(options.target, newest) : [],
  ]);

  const sent = continues && appraised.length > 0 ? [fromApi(assignIds(appraised))] : [];
  const { dataset } = mergeStones(known, [...read, ...sent], withdrawn);
  if (dataset.stones.length === 0)
    throw new UserError("every stone is withdrawn: nothing is left to train on");
  return {
    dataset: {
      ...dataset,
      sources: [...((continues && newest?.sources) || []), ...dataset.sources],
    },
    feed: options.append ? mergeStones(known, read, withdrawn).fresh : [],
  };
}

function newestDataset(registry: Registry): PublishedDataset | undefined {
  const seq = registry.models[0]?.dataset;
  return registry.datasets.find((dataset) => dataset.seq === seq);
}

function fromApi(stones: readonly DatasetStone[]): SourceRows {
  const readAt = new Date().toISOString();
  const source = { name: "POST /v1/diamonds", rows: stones.length, rejected: {}, readAt };
  return { stones, source, examples: [] };
}
