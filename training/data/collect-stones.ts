import { Failure } from "../../cloudflare/user-error.ts";
import type { Options } from "../cli/options.ts";
import { readPublished } from "../registry/dataset-file.ts";
import type { FreshStones } from "../registry/fresh-stones.ts";
import type { PublishedDataset, Registry } from "../registry/read-registry.ts";
import {
  collect,
  type Dataset,
  type DatasetStone,
  identify,
  readSources,
  type SourceRows,
} from "./dataset.ts";
import { embeddedSource, findSources } from "./source.ts";

/** What a run trains on. */
export interface Gathered {
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
export async function gather(
  options: Pick<Options, "append" | "data" | "target">,
  registry: Registry,
  { appraised, withdrawn }: FreshStones,
): Promise<Gathered> {
  const continues = options.append || options.data.length === 0;
  const newest = newestDataset(registry);
  const named = await findSources(options.data);
  const sources = options.data.length === 0 && newest === undefined ? [embeddedSource()] : named;
  const [read, known] = await Promise.all([
    readSources(sources),
    newest !== undefined && continues ? readPublished(options.target, newest) : [],
  ]);

  const sent = continues && appraised.length > 0 ? [fromApi(identify(appraised))] : [];
  const { dataset } = collect(known, [...read, ...sent], withdrawn);
  if (dataset.stones.length === 0) throw new Failure("every stone is withdrawn: nothing is left to train on");
  return {
    dataset: {
      ...dataset,
      sources: [...((continues && newest?.sources) || []), ...dataset.sources],
    },
    feed: options.append ? collect(known, read, withdrawn).fresh : [],
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
