import { createHash } from "node:crypto";
import type { DatasetSource } from "../../src/db/registry/schema.ts";
import type { Source } from "../csv/read-text.ts";
import type { DatasetStone } from "./dataset-stone.ts";
import { readSources, type SourceStones, sumRejections } from "./read-sources.ts";
import { MAX_REJECTION_EXAMPLES, type RejectionCounts } from "./rejections.ts";
import { hasStone, StoneIndex } from "./stone-index.ts";

/** Number of sentences about rejected rows. A feed of many files can have any number of them. */
const MAX_NOTES = 20;

/** A model card shows this many sources. */
export const MAX_SHOWN_SOURCES = 20;

/** The sources of a published dataset. */
export interface KnownSources {
  /** The number of all sources. */
  readonly total: number;
  /** The newest {@link MAX_SHOWN_SOURCES}, oldest first. */
  readonly newest: readonly DatasetSource[];
}

/** A published dataset whose stones another one has too, except for withdrawn stones. */
export interface DatasetBase {
  readonly seq: number;
  readonly sources: KnownSources;
}

export interface Dataset {
  /** SHA-256 of the stones' ids, hexadecimal. It does not depend on the order of the rows in the sources. */
  readonly id: string;
  /** Sorted by id. */
  readonly stones: readonly DatasetStone[];
  /** The sources of this run that added stones. */
  readonly sources: readonly DatasetSource[];
  /** The published dataset that this one extends; null or absent if there is none. */
  readonly base?: DatasetBase | null;
  /** Rejected rows of all sources. */
  readonly rejected: RejectionCounts;
  /** Descriptions of the first rejected rows. */
  readonly examples: readonly string[];
  /** What was rejected, by source, reason and column: a sentence each. */
  readonly notes?: readonly string[];
}

/** Reads sources as a dataset, without the stones of earlier runs. */
export async function readDataset(sources: readonly Source[]): Promise<Dataset> {
  return mergeStones([], await readSources(sources), new Set()).dataset;
}

/**
 * Merges known stones and the stones of sources, without withdrawn stones. Duplicates are removed, also those
 * of stones that are known from before values were rounded. The stones are sorted by id, so the same stones
 * produce the same models from any sources.
 * @returns the dataset, and the stones of the sources that are not among the known stones
 */
export function mergeStones(
  known: readonly DatasetStone[],
  results: readonly SourceStones[],
  withdrawn: ReadonlySet<string>,
): { dataset: Dataset; newStones: DatasetStone[] } {
  const isWithdrawn = (stone: DatasetStone) => hasStone(withdrawn, stone);
  const index = new StoneIndex(known.filter((stone) => !isWithdrawn(stone)));
  const newStones: DatasetStone[] = [];
  const sources: DatasetSource[] = [];
  for (const { stones, source } of results) {
    const added = stones.filter((stone) => !isWithdrawn(stone) && index.add(stone));
    for (const stone of added) newStones.push(stone);
    // Sources without new stones are not recorded. A folder that is read every day would fill the list.
    if (added.length > 0) sources.push({ ...source, rows: added.length });
  }
  const stones = index.stones.sort((a, b) => (a.id < b.id ? -1 : 1));
  const notes = results.flatMap((result) => result.notes ?? []);
  const dataset = {
    id: hashIds(stones),
    stones,
    sources,
    rejected: sumRejections(results),
    examples: results.flatMap(({ examples }) => examples).slice(0, MAX_REJECTION_EXAMPLES),
    notes: notes.slice(0, MAX_NOTES),
  };
  return { dataset, newStones };
}

function hashIds(stones: readonly DatasetStone[]): string {
  const hash = createHash("sha256");
  for (const { id } of stones) hash.update(id);
  return hash.digest("hex");
}
