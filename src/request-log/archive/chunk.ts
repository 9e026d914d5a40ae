/**
 * Chunks of the archive: gzipped NDJSON objects in the bucket with one row of the log on each line. The
 * metadata of an object says what it contains.
 */
import { getIdTime } from "../../domain/request-id.ts";
import { toDay } from "../../lib/time.ts";
import { type ChunkContents, toDayPrefix } from "./chunk-contents.ts";

export interface ArchiveChunk {
  readonly key: string;
  readonly etag: string;
  /** Compressed bytes. */
  readonly size: number;
  readonly contents: ChunkContents;
}

/** A chunk does not contain what its metadata says. */
export class DamagedChunkError extends Error {}

/** A chunk was written again or deleted after it was listed. */
export class ChangedChunkError extends Error {}

/** The chunks of a day, counted from 1970. */
export async function listChunks(bucket: R2Bucket, day: number): Promise<ArchiveChunk[]> {
  const prefix = toDayPrefix(day);
  const chunks: ArchiveChunk[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix, include: ["customMetadata"], ...(cursor && { cursor }) });
    for (const { key, etag, size, customMetadata } of page.objects)
      chunks.push({ key, etag, size, contents: customMetadata as unknown as ChunkContents });
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return chunks;
}

/** Whether a chunk may contain a request. */
export function mayContain({ contents }: ArchiveChunk, id: string): boolean {
  return contents.first <= id && id <= contents.last;
}

/** The key has the time of the first row but not its id, because the row may have to be erased. */
export function toChunkKey({ first, sha256 }: ChunkContents): string {
  const at = getIdTime(first) ?? 0;
  const time = new Date(at).toISOString().slice(11, 23).replaceAll(/[:.]/g, "");
  return `${toDayPrefix(toDay(at))}${time}-${sha256.slice(0, 16)}.ndjson.gz`;
}
