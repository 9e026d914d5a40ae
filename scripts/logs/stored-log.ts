import type { Rows } from "../../cloudflare/wrangler.ts";
import type { ChunkContents } from "../../src/request-log/archive/chunk-contents.ts";

/** An object of the archive. */
export interface ArchiveObject {
  readonly key: string;
  readonly etag: string;
  readonly contents: ChunkContents;
}

/** The log of a target: its database and its bucket. */
export interface StoredLog {
  /** Runs one SQL statement that only reads. */
  query(sql: string): Promise<Rows>;
  listArchive(prefix: string): Promise<ArchiveObject[]>;
  /** Reads an object of the bucket; null if there is none. */
  getObject(key: string): Promise<Uint8Array | null>;
}
