import { completeRecord, type RequestRecord } from "../../db/request-log/requests.ts";
import { findChunksWith, readChunk, writeChunk } from "./chunk.ts";

/** Finds a request in the archive; null if it is not there. */
export async function findArchived(bucket: R2Bucket, id: string): Promise<RequestRecord | null> {
  for (const chunk of await findChunksWith(bucket, id)) {
    for await (const row of readChunk(bucket, chunk)) if (row.id === id) return completeRecord(row);
  }
  return null;
}

/**
 * Removes a request from the archive. Returns whether it was there. The caller must hold the archive's lease.
 */
export async function eraseArchived(bucket: R2Bucket, id: string): Promise<boolean> {
  for (const chunk of await findChunksWith(bucket, id)) {
    let found = false;
    for await (const row of readChunk(bucket, chunk)) found ||= row.id === id;
    if (!found) continue;
    if (chunk.contents.rows === "1") await bucket.delete(chunk.key);
    else await writeChunk(bucket, omitRow(readChunk(bucket, chunk), id), chunk);
    return true;
  }
  return false;
}

async function* omitRow(rows: AsyncIterable<{ readonly id: string }>, id: string) {
  for await (const row of rows) if (row.id !== id) yield row;
}
