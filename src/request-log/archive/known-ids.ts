/**
 * The ids of chunks without blocks that this isolate has read. Reading such a chunk takes a tenth of a second
 * of computing time, and ids that do not exist can be asked for again and again.
 */
import { evictOldest } from "../../lib/stale-cache.ts";

/** A chunk takes up to 80 KB. */
const MAX_CHUNKS = 64;

/** The last 32 bits of each id, which are random, by the ETag of the chunk. */
const knownBits = new Map<string, Uint32Array>();

const toBits = (id: string): number => Number.parseInt(id.slice(-8), 16);

export function rememberIds(etag: string, ids: readonly string[]): void {
  knownBits.set(etag, Uint32Array.from(ids, toBits));
  evictOldest(knownBits, MAX_CHUNKS);
}

/** Whether a chunk is known not to have a request. */
export function isKnownAbsent(etag: string, id: string): boolean {
  return knownBits.get(etag)?.includes(toBits(id)) === false;
}
