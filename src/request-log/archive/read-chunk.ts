import { type Block, findBlocksWith, parseBlocks } from "./blocks.ts";
import { type ArchiveChunk, ChangedChunkError, DamagedChunkError } from "./chunk.ts";
import { Digest } from "./digest.ts";
import { isKnownAbsent, rememberIds } from "./known-ids.ts";

/** Some rows of a chunk that follow each other. */
export interface ChunkPart {
  /** Each row as a line of JSON. */
  readonly lines: readonly string[];
  /** The lines as bytes. */
  readonly bytes: Uint8Array;
  /** The compressed block; null in a chunk without a list of blocks. */
  readonly block: Uint8Array | null;
}

/**
 * The ids of all rows of a chunk.
 * @throws DamagedChunkError if the chunk does not contain what its metadata says.
 */
export async function readChunkIds(bucket: R2Bucket, chunk: ArchiveChunk): Promise<string[]> {
  const ids: string[] = [];
  for await (const { lines } of readParts(bucket, chunk)) for (const line of lines) ids.push(readId(line));
  return ids;
}

/**
 * Reads a chunk from its beginning to its end.
 * @throws DamagedChunkError if a block is damaged, or after the last row, if the chunk does not contain what
 * its metadata says.
 */
export async function* readParts(bucket: R2Bucket, chunk: ArchiveChunk): AsyncGenerator<ChunkPart> {
  const { key, contents } = chunk;
  const blocks = listBlocks(chunk);
  const { body } = await getChunk(bucket, chunk);
  const digest = new Digest();
  let count = 0;
  for await (const part of blocks === null ? readLines(body, key) : readBlocks(body, blocks, key)) {
    count += part.lines.length;
    await digest.write(part.bytes);
    yield part;
  }
  const sha256 = await digest.end();
  if (String(count) !== contents.rows || sha256 !== contents.sha256)
    throw new DamagedChunkError(
      `the archive chunk ${key} has ${count} rows with the SHA-256 ${sha256}, but must have ${contents.rows} with ${contents.sha256}`,
    );
}

/**
 * Finds the row of a request as a line of JSON; null if the chunk does not have it. Only the blocks that may
 * have it are read, with one call.
 */
export async function findRow(bucket: R2Bucket, chunk: ArchiveChunk, id: string): Promise<string | null> {
  const blocks = listBlocks(chunk);
  if (blocks === null) return findRowWithoutBlocks(bucket, chunk, id);
  const found = findBlocksWith(blocks, id);
  const [first, last] = [found[0], found.at(-1)];
  if (first === undefined || last === undefined) return null;
  const { body } = await getChunk(bucket, chunk, {
    offset: first.offset,
    length: last.offset + last.length - first.offset,
  });
  for await (const { lines } of readBlocks(body, found, chunk.key)) {
    const row = lines.find((line) => readId(line) === id);
    if (row !== undefined) return row;
  }
  return null;
}

async function findRowWithoutBlocks(
  bucket: R2Bucket,
  chunk: ArchiveChunk,
  id: string,
): Promise<string | null> {
  if (isKnownAbsent(chunk.etag, id)) return null;
  const ids: string[] = [];
  for await (const { lines } of readParts(bucket, chunk)) {
    for (const line of lines) {
      const lineId = readId(line);
      if (lineId === id) return line;
      ids.push(lineId);
    }
  }
  rememberIds(chunk.etag, ids);
  return null;
}

const ID_START = '{"id":"';
const UUID_LENGTH = 36;

/** The id in a row, which is its first field. */
export function readId(line: string): string {
  const end = ID_START.length + UUID_LENGTH;
  if (line.startsWith(ID_START) && line[end] === '"') return line.slice(ID_START.length, end);
  return (JSON.parse(line) as { id: string }).id;
}

function listBlocks({ key, size, contents }: ArchiveChunk): Block[] | null {
  if (contents.blocks === undefined) return null;
  const blocks = parseBlocks(contents.first, contents.blocks);
  const last = blocks.at(-1);
  if (last === undefined || last.offset + last.length !== size)
    throw new DamagedChunkError(
      `the archive chunk ${key} has ${size} bytes, which are not those of its blocks`,
    );
  return blocks;
}

async function getChunk(
  bucket: R2Bucket,
  { key, etag }: ArchiveChunk,
  range?: { offset: number; length: number },
): Promise<R2ObjectBody> {
  const object = await bucket.get(key, { onlyIf: { etagMatches: etag }, ...(range && { range }) });
  if (object === null || !("body" in object))
    throw new ChangedChunkError(`the archive chunk ${key} was written again or deleted meanwhile`);
  return object;
}

async function* readBlocks(
  body: ReadableStream<Uint8Array>,
  blocks: readonly Block[],
  key: string,
): AsyncGenerator<ChunkPart> {
  const reader = body.getReader({ mode: "byob" });
  try {
    for (const { length } of blocks) {
      const { value: block } = await reader.readAtLeast(length, new Uint8Array(length));
      if (block?.length !== length)
        throw new DamagedChunkError(`the archive chunk ${key} ends within a block`);
      const bytes = await decompress(block).catch((cause) => {
        throw new DamagedChunkError(`a block of the archive chunk ${key} cannot be unpacked`, { cause });
      });
      const lines = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes).split("\n");
      lines.pop();
      yield { lines, bytes, block };
    }
  } finally {
    // The rest of a chunk whose reader needs no more is not transferred.
    await reader.cancel();
  }
}

/** Reads a chunk of an earlier version, which is one gzip file. */
async function* readLines(body: ReadableStream<Uint8Array>, key: string): AsyncGenerator<ChunkPart> {
  const text = body
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }));
  let incompleteLine = "";
  for await (const piece of text) {
    const lines = (incompleteLine + piece).split("\n");
    incompleteLine = lines.pop() ?? "";
    if (lines.length === 0) continue;
    yield { lines, bytes: new TextEncoder().encode(`${lines.join("\n")}\n`), block: null };
  }
  if (incompleteLine !== "") throw new DamagedChunkError(`the archive chunk ${key} ends within a row`);
}

async function decompress(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
