import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { R2Bucket } from "@cloudflare/workers-types";
import { getIdTime } from "../../src/domain/request-id.ts";
import { toDay } from "../../src/lib/time.ts";
import { type ChunkContents, toDayPrefix } from "../../src/request-log/archive/chunk-contents.ts";

/** Writes rows of one day, in order of time, as one object of the archive, which the archive job does otherwise. */
export async function archiveRows(bucket: R2Bucket, rows: readonly { readonly id: string }[]): Promise<void> {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return;
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const sha256 = createHash("sha256").update(text).digest("hex");
  const contents: ChunkContents = { first: first.id, last: last.id, rows: String(rows.length), sha256 };
  const at = getIdTime(first.id) ?? 0;
  const key = `${toDayPrefix(toDay(at))}${at}-${sha256.slice(0, 16)}.ndjson.gz`;
  await bucket.put(key, gzipSync(text), { customMetadata: { ...contents } });
}
