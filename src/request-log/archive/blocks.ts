/**
 * The blocks of a chunk: each is a gzip file of its own, so that one block can be read alone. The chunk is
 * their concatenation, which is a valid gzip file too. The metadata of the chunk lists its blocks as
 * `time.length,time.length,...`: milliseconds from the first row of the chunk to the first row of the block,
 * and compressed bytes, both to the base 36.
 */
import { getIdTime } from "../../domain/request-id.ts";

/** A block is full when it has this many rows or characters. */
const BLOCK_SIZE = { rows: 200, characters: 262_144 } as const;
/**
 * A block is not full before it has this share of the chunk's characters, so that the number of blocks grows
 * with the logarithm of a very large chunk. R2 stores up to 8 KB of metadata.
 */
const MIN_BLOCK_SHARE = 1 / 64;

export interface Block {
  /** The time of the first row, milliseconds since 1970. */
  readonly at: number;
  /** Where its bytes are in the object. */
  readonly offset: number;
  readonly length: number;
}

/** Whether a block that is being written takes no more rows. `chunkCharacters` includes the block. */
export function isBlockFull(rows: number, characters: number, chunkCharacters: number): boolean {
  return (
    rows >= BLOCK_SIZE.rows ||
    characters >= Math.max(BLOCK_SIZE.characters, chunkCharacters * MIN_BLOCK_SHARE)
  );
}

/** `first` is the id of the first row of the chunk. */
export function formatBlocks(first: string, blocks: readonly Pick<Block, "at" | "length">[]): string {
  const start = getIdTime(first) ?? 0;
  return blocks.map(({ at, length }) => `${(at - start).toString(36)}.${length.toString(36)}`).join(",");
}

export function parseBlocks(first: string, text: string): Block[] {
  const start = getIdTime(first) ?? 0;
  let offset = 0;
  return text.split(",").map((item) => {
    const [time = "", bytes = ""] = item.split(".");
    const length = Number.parseInt(bytes, 36);
    const block = { at: start + Number.parseInt(time, 36), offset, length };
    offset += length;
    return block;
  });
}

/**
 * The blocks that may have the request of an id: one, or more if a block begins in the same millisecond. They
 * follow each other.
 */
export function findBlocksWith(blocks: readonly Block[], id: string): readonly Block[] {
  const at = getIdTime(id) ?? 0;
  const before = blocks.findLastIndex((block) => block.at < at);
  const last = blocks.findLastIndex((block) => block.at <= at);
  return blocks.slice(Math.max(before, 0), last + 1);
}
