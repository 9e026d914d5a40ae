import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { getVerified, type StoredFile, sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { cleanRow, type RawRow, REQUIRED_COLUMNS } from "../data/clean.ts";
import { type DatasetStone, withId } from "../data/dataset.ts";
import type { PublishedDataset } from "./read-registry.ts";

/**
 * A dataset as the bucket keeps it: its rows with their ids as gzipped CSV. The ids belong to it: which copy of
 * a row a stone is cannot be told from the rows that are left.
 */
export function toDatasetFile(stones: readonly DatasetStone[]): StoredFile {
  const bytes = gzipSync(stringify([...stones], { header: true, columns: ["id", ...REQUIRED_COLUMNS] }));
  return { key: `datasets/${sha256(bytes)}.csv.gz`, bytes, verify: true };
}

/** The stones of a published dataset. */
export async function readDatasetFile(
  target: Target,
  dataset: PublishedDataset,
): Promise<readonly DatasetStone[]> {
  const bytes = await getVerified(target, dataset.key, dataset.sha256);
  const rows: (RawRow & { id: string })[] = parse(gunzipSync(bytes), { columns: true });
  return rows.map(({ id, ...row }) => {
    const cleaned = cleanRow(row);
    if (!("stone" in cleaned)) throw new UserError(`${dataset.key}: ${cleaned.reason} (${cleaned.column})`);
    return withId(cleaned.stone, id);
  });
}
