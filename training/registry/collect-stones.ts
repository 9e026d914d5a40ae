import { UserError } from "../../cloudflare/user-error.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { type AppraisalReview, NO_REVIEW, reviewAppraisals } from "../appraisals/review.ts";
import { type Dataset, type KnownSources, mergeStones } from "../data/dataset.ts";
import type { DatasetStone } from "../data/dataset-stone.ts";
import { readSources, type SourceStones } from "../data/read-sources.ts";
import { createEmbeddedSource, findSources } from "../data/source.ts";
import type { Champion } from "./champion.ts";
import { readDatasetFile } from "./dataset-file.ts";
import type { FreshStones } from "./fresh-stones.ts";
import type { PublishedDataset, Registry } from "./read-registry.ts";

/** The options that select the stones of a run. */
export interface StoneSelection {
  /** Paths, globs or addresses of CSV files. Without files, the run uses the known stones. */
  readonly data: readonly string[];
  /** Add the files to the known stones instead of training only on the files. */
  readonly append?: boolean;
  /** Skip the checks of prices and the quotas of keys, and take quarantined appraisals too. */
  readonly acceptFeed?: boolean;
  readonly target: Target;
}

/** The stones of a run. */
export interface CollectedStones {
  readonly dataset: Dataset;
  /** The stones that `--append` adds to the known stones. The feed check compares their prices. */
  readonly feed: readonly DatasetStone[];
  /** Which appraisals the run takes, and which ones it holds. */
  readonly review: AppraisalReview;
}

/**
 * Collects the stones of a run.
 * - With files, the run uses only the stones of the files.
 * - With files and `append`, it also uses the known stones.
 * - Without files, it uses the known stones. If there are none, it uses the embedded dataset.
 *
 * Known stones are the stones of the newest dataset whose stones were accepted, and the stones that were appraised
 * through the API and pass their checks (training/appraisals). Withdrawn stones are never used. Duplicates are
 * removed.
 * @param readFiles from {@link createFileReader}
 * @param knownSources the sources of the dataset with the known stones
 * @throws UserError if no stone is left
 */
export async function collectStones(
  options: StoneSelection,
  readFiles: () => Promise<SourceStones[]>,
  registry: Registry,
  fresh: FreshStones,
  knownSources: KnownSources,
  champion: Promise<Champion | null>,
): Promise<CollectedStones> {
  const { withdrawn } = fresh;
  const usesKnownStones = options.append || options.data.length === 0;
  const knownDataset = findKnownDataset(registry);
  const usesEmbeddedStones = options.data.length === 0 && knownDataset === undefined;
  const [sourceStones, known] = await Promise.all([
    usesEmbeddedStones ? readSources([createEmbeddedSource()]) : readFiles(),
    knownDataset !== undefined && usesKnownStones ? readDatasetFile(options.target, knownDataset) : [],
  ]);

  const base = mergeStones(known, sourceStones, withdrawn);
  const review = usesKnownStones
    ? await reviewAppraisals(await champion, base.dataset.stones, fresh, options.acceptFeed ?? false)
    : NO_REVIEW;
  const appraisals = review.taken.length > 0 ? [toApiSource(review.taken)] : [];
  const { dataset } =
    appraisals.length > 0 ? mergeStones(known, [...sourceStones, ...appraisals], withdrawn) : base;
  if (dataset.stones.length === 0) {
    throw new UserError("there are no stones to train on: all stones are withdrawn");
  }
  const knownBase =
    usesKnownStones && knownDataset !== undefined ? { seq: knownDataset.seq, sources: knownSources } : null;
  return {
    dataset: { ...dataset, base: knownBase },
    feed: options.append ? base.newStones : [],
    review,
  };
}

/**
 * Creates a function that reads files at its first call, and then returns the same stones. A run that starts again
 * after a conflict cannot read a pipe for the second time.
 */
export function createFileReader(names: readonly string[]): () => Promise<SourceStones[]> {
  let stones: Promise<SourceStones[]> | undefined;
  return () => {
    stones ??= findSources(names).then(readSources);
    return stones;
  };
}

function findKnownDataset({ datasets, knownDataset }: Registry): PublishedDataset | undefined {
  return datasets.find((dataset) => dataset.seq === knownDataset);
}

function toApiSource(stones: readonly DatasetStone[]): SourceStones {
  const readAt = new Date().toISOString();
  const source = { name: "POST /v1/diamonds", rows: stones.length, rejected: {}, readAt };
  return { stones, source, examples: [] };
}
