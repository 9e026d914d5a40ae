import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { clean, type RawRow, REQUIRED_COLUMNS } from "../clean.ts";
import { type DatasetStone, identify } from "../dataset.ts";
import { Failure } from "../failure.ts";
import { getVerified, type StoredFile, sha256 } from "./bucket.ts";
import type { PublishedDataset } from "./state.ts";
import type { Target } from "./wrangler.ts";

/** A dataset as the bucket keeps it: its rows as gzipped CSV, in order of their ids. */
export function datasetFile(stones: readonly DatasetStone[]): StoredFile {
  const ordered = [...stones].sort((a, b) => (a.id < b.id ? -1 : 1));
  const bytes = gzipSync(stringify(ordered, { header: true, columns: [...REQUIRED_COLUMNS] }));
  return { key: `datasets/${sha256(bytes)}.csv.gz`, bytes, served: true };
}

/** The stones of a published dataset. */
export async function readPublished(
  target: Target,
  dataset: PublishedDataset,
): Promise<readonly DatasetStone[]> {
  const bytes = await getVerified(target, dataset.key, dataset.sha256);
  const rows: RawRow[] = parse(gunzipSync(bytes), { columns: true });
  const stones = rows.map((row) => {
    const cleaned = clean(row);
    if (!("stone" in cleaned)) throw new Failure(`${dataset.key}: ${cleaned.reason} (${cleaned.column})`);
    return cleaned.stone;
  });
  return identify(stones).stones;
}
