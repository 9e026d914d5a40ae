import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { downloadFileCached, type StoredFile, sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { GRADE_COLUMNS, GRADES, type NUMBER_COLUMNS, type PricedStone } from "../../src/domain/diamond.ts";
import { type RawRow, REQUIRED_COLUMNS } from "../csv/raw-row.ts";
import { type DatasetStone, toDatasetStone } from "../data/dataset-stone.ts";
import type { PublishedDataset } from "./read-registry.ts";

/**
 * Encodes the stones of a dataset as gzipped CSV. The ids are included, because equal rows are numbered: if
 * one of them is withdrawn later, the ids of the others cannot be computed again.
 */
export function encodeDatasetFile(stones: readonly DatasetStone[]): StoredFile {
  const bytes = gzipSync(stringify([...stones], { header: true, columns: ["id", ...REQUIRED_COLUMNS] }));
  return { key: `datasets/${sha256(bytes)}.csv.gz`, bytes, verify: true };
}

/**
 * Stones by the SHA-256 of their file. A run reads the same file for its known stones, for the champion's stones
 * and for the difference that it publishes.
 */
const stonesOfFiles = new Map<string, Promise<readonly DatasetStone[]>>();

/**
 * Reads the stones of a published dataset as they were written. They are not cleaned: values that are not
 * rounded belong to the ids, and a stone may violate a rule that is newer than the stone.
 */
export function readDatasetFile(target: Target, dataset: PublishedDataset): Promise<readonly DatasetStone[]> {
  const known = stonesOfFiles.get(dataset.sha256);
  if (known !== undefined) return known;
  const stones = downloadStones(target, dataset);
  stonesOfFiles.set(dataset.sha256, stones);
  // A failed download is not kept: the file may be there when it is read again.
  stones.catch(() => stonesOfFiles.delete(dataset.sha256));
  return stones;
}

async function downloadStones(target: Target, dataset: PublishedDataset): Promise<readonly DatasetStone[]> {
  const bytes = await downloadFileCached(target, dataset.key, dataset.sha256);
  const rows: (RawRow & { id: string })[] = parse(gunzipSync(bytes), { columns: true });
  return rows.map((row, index) => toDatasetStone(parseStone(row, dataset.key, index), row.id));
}

function parseStone(row: RawRow, key: string, index: number): PricedStone {
  const parseColumn = (column: (typeof NUMBER_COLUMNS)[number] | "price") => {
    const value = Number(row[column] || Number.NaN);
    if (!Number.isFinite(value)) throw new UserError(`${key}, line ${index + 2}: ${column} is not a number`);
    return value;
  };
  for (const column of GRADE_COLUMNS) {
    if (!(GRADES[column] as readonly string[]).includes(row[column] ?? ""))
      throw new UserError(`${key}, line ${index + 2}: unknown ${column}`);
  }
  return {
    carat: parseColumn("carat"),
    cut: row.cut as PricedStone["cut"],
    color: row.color as PricedStone["color"],
    clarity: row.clarity as PricedStone["clarity"],
    depth: parseColumn("depth"),
    table: parseColumn("table"),
    x: parseColumn("x"),
    y: parseColumn("y"),
    z: parseColumn("z"),
    price: parseColumn("price"),
  };
}
