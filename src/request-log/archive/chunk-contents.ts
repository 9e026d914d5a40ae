/** What a chunk of the archive contains, for the Worker and for programs that read the archive elsewhere. */
import { DAY_MS } from "../../lib/time.ts";

export const ARCHIVE_PREFIX = "log-archive/";

/**
 * First and last id, number of rows, SHA-256 of the uncompressed text, and the blocks (blocks.ts). Chunks of
 * earlier versions are one gzip file without a list of blocks. R2 keeps metadata as text.
 */
export interface ChunkContents {
  readonly first: string;
  readonly last: string;
  readonly rows: string;
  readonly sha256: string;
  readonly blocks?: string;
}

/** The prefix of the keys of a day, counted from 1970. */
export function toDayPrefix(day: number): string {
  return `${ARCHIVE_PREFIX}${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "/")}/`;
}

/** The day of a chunk by its key, counted from 1970; null if it is not the key of a chunk. */
export function parseChunkDay(key: string): number | null {
  const [, year, month, date] = /^log-archive\/(\d{4})\/(\d{2})\/(\d{2})\/./.exec(key) ?? [];
  return year === undefined ? null : Date.parse(`${year}-${month}-${date}T00:00:00Z`) / DAY_MS;
}
