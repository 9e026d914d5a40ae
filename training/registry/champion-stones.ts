import { ignoreUnreadableFile } from "../../cloudflare/r2.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { isTestStone } from "../../src/domain/split.ts";
import type { DatasetStone } from "../data/dataset-stone.ts";
import type { Split } from "../data/split.ts";
import { hasStone } from "../data/stone-index.ts";
import { readDatasetFile } from "./dataset-file.ts";
import type { PublishedModel, Registry } from "./read-registry.ts";

/**
 * Reads the stones that a published version was trained and tested on, without the withdrawn ones. They come from
 * the file of its dataset or, if that is missing or damaged, from the table of stones.
 * @returns null if there are none in either place
 */
export async function readVersionStones(
  target: Target,
  { datasets }: Registry,
  { dataset: seq, seed }: PublishedModel,
  withdrawn: ReadonlySet<string>,
): Promise<Split | null> {
  const dataset = datasets.find((published) => published.seq === seq);
  const stones =
    (dataset && (await readDatasetFile(target, dataset).catch(ignoreUnreadableFile))) ??
    (await readTable(target, seq));
  if (stones.length === 0) return null;
  const train: DatasetStone[] = [];
  const test: DatasetStone[] = [];
  for (const stone of stones) {
    if (!hasStone(withdrawn, stone)) (isTestStone(stone.splitKey, seed) ? test : train).push(stone);
  }
  return { train, test };
}

/** Reads the stones of a dataset from the table of stones. */
async function readTable(target: Target, seq: number): Promise<DatasetStone[]> {
  const columns = [...STONE_COLUMNS, "price"].map((column) => `"${column}"`).join(", ");
  const [rows = []] = await query(target, [
    `SELECT id, split_key AS splitKey, ${columns} FROM diamonds
     WHERE since <= ${seq} AND (until IS NULL OR until > ${seq})`,
  ]);
  return rows.flatMap(({ id, splitKey, ...row }) => {
    const stone = PricedStone.safeParse(row).data;
    return stone ? [{ ...stone, id: String(id), splitKey: Number(splitKey) }] : [];
  });
}
