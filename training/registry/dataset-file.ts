import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { downloadFileCached, type StoredFile, sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { cleanRow, type RawRow, REQUIRED_COLUMNS } from "../data/clean-row.ts";
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

/** Reads the stones of a published dataset. */
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
  return rows.map(({ id, ...row }) => {
    const cleaned = cleanRow(row);
    if (!("stone" in cleaned)) throw new UserError(`${dataset.key}: ${cleaned.reason} (${cleaned.column})`);
    return toDatasetStone(cleaned.stone, id);
  });
}
