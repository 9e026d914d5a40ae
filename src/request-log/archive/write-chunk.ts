import { getIdTime } from "../../domain/request-id.ts";
import { type Block, formatBlocks, isBlockFull } from "./blocks.ts";
import { type ArchiveChunk, ChangedChunkError, toChunkKey } from "./chunk.ts";
import type { ChunkContents } from "./chunk-contents.ts";
import { Digest } from "./digest.ts";
import { type ChunkPart, readId, readParts } from "./read-chunk.ts";

/** Writes rows of one day as a new chunk. Returns null if there are no rows. */
export async function writeChunk(
  bucket: R2Bucket,
  rows: AsyncIterable<{ readonly id: string }>,
): Promise<ArchiveChunk | null> {
  const builder = new ChunkBuilder();
  for await (const row of rows) await builder.addLine(row.id, JSON.stringify(row));
  const built = await builder.end();
  if (built === null) return null;
  const { contents, bytes } = built;
  const key = toChunkKey(contents);
  const { etag, size } = await bucket.put(key, bytes, toPutOptions(contents));
  return { key, etag, size, contents };
}

/**
 * Writes a chunk again without some rows, in blocks, or deletes it if no row is left. Returns the ids that it
 * had. Blocks that do not change are copied as they are. The caller must hold the archive's lease.
 * @throws DamagedChunkError if the chunk is damaged. It then stays as it is.
 * @throws ChangedChunkError if another run wrote it meanwhile.
 */
export async function removeRows(
  bucket: R2Bucket,
  chunk: ArchiveChunk,
  ids: ReadonlySet<string>,
): Promise<string[]> {
  const builder = new ChunkBuilder();
  const removed: string[] = [];
  for await (const part of readParts(bucket, chunk)) {
    const kept: { id: string; line: string }[] = [];
    for (const line of part.lines) {
      const id = readId(line);
      if (ids.has(id)) removed.push(id);
      else kept.push({ id, line });
    }
    if (kept.length === part.lines.length && part.block !== null) await builder.copyBlock(part);
    else for (const { id, line } of kept) await builder.addLine(id, line);
  }
  if (removed.length === 0) return removed;
  const built = await builder.end();
  if (built === null) await bucket.delete(chunk.key);
  else {
    const { etag } = chunk;
    const options = { ...toPutOptions(built.contents), onlyIf: { etagMatches: etag } };
    if ((await bucket.put(chunk.key, built.bytes, options)) === null)
      throw new ChangedChunkError(`the archive chunk ${chunk.key} was written meanwhile`);
  }
  return removed;
}

function toPutOptions(contents: ChunkContents) {
  return { customMetadata: { ...contents }, httpMetadata: { contentType: "application/gzip" } };
}

/** Collects the rows of a chunk, in order. Only the compressed blocks and the last block are in memory. */
class ChunkBuilder {
  readonly #digest = new Digest();
  readonly #compressed: Uint8Array[] = [];
  readonly #blocks: Pick<Block, "at" | "length">[] = [];
  #lines: string[] = [];
  #firstId = "";
  #lastId = "";
  #rows = 0;
  #characters = 0;
  /** The block that is not full yet. */
  #open = { at: 0, characters: 0 };

  /** Adds a row as a line of JSON. */
  async addLine(id: string, line: string): Promise<void> {
    this.#count(id, id, 1, line.length);
    if (this.#lines.length === 0) this.#open = { at: getIdTime(id) ?? 0, characters: 0 };
    this.#lines.push(line);
    this.#open.characters += line.length;
    if (isBlockFull(this.#lines.length, this.#open.characters, this.#characters)) await this.#closeBlock();
  }

  /** Adds a block of another chunk. */
  async copyBlock({ lines, bytes, block }: ChunkPart): Promise<void> {
    await this.#closeBlock();
    const [first, last] = [lines[0], lines.at(-1)];
    if (block === null || first === undefined || last === undefined) return;
    const id = readId(first);
    this.#count(id, readId(last), lines.length, bytes.length);
    await this.#digest.write(bytes);
    this.#addBlock(getIdTime(id) ?? 0, block);
  }

  /** The metadata and the bytes of the chunk; null if it has no rows. */
  async end(): Promise<{ contents: ChunkContents; bytes: Blob } | null> {
    await this.#closeBlock();
    const sha256 = await this.#digest.end();
    if (this.#rows === 0) return null;
    const blocks = formatBlocks(this.#firstId, this.#blocks);
    return {
      contents: { first: this.#firstId, last: this.#lastId, rows: String(this.#rows), sha256, blocks },
      bytes: new Blob(this.#compressed),
    };
  }

  #count(first: string, last: string, rows: number, characters: number): void {
    this.#firstId ||= first;
    this.#lastId = last;
    this.#rows += rows;
    this.#characters += characters;
  }

  async #closeBlock(): Promise<void> {
    if (this.#lines.length === 0) return;
    const bytes = new TextEncoder().encode(this.#lines.map((line) => `${line}\n`).join(""));
    this.#lines = [];
    const [compressed] = await Promise.all([compress(bytes), this.#digest.write(bytes)]);
    this.#addBlock(this.#open.at, compressed);
  }

  #addBlock(at: number, compressed: Uint8Array): void {
    this.#compressed.push(compressed);
    this.#blocks.push({ at, length: compressed.length });
  }
}

async function compress(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
