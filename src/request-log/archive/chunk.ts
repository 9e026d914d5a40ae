/**
 * Chunks of the archive: gzipped NDJSON objects in the bucket with one row of the log on each line. The
 * metadata of an object says what it contains.
 */
import { getIdTime } from "../../domain/request-id.ts";
import { DAY_MS } from "../../lib/time.ts";
import { toDay } from "../retained-days.ts";

const ARCHIVE_PREFIX = "log-archive/";

/** First and last id, number of rows, and SHA-256 of the uncompressed text. R2 keeps metadata as text. */
interface ChunkContents {
  readonly first: string;
  readonly last: string;
  readonly rows: string;
  readonly sha256: string;
}

export interface ArchiveChunk {
  readonly key: string;
  readonly contents: ChunkContents;
}

/** A chunk does not contain what its metadata says. */
export class DamagedChunkError extends Error {}

/** The chunks of a day, counted from 1970. */
export async function listChunks(bucket: R2Bucket, day: number): Promise<ArchiveChunk[]> {
  const prefix = toDayPrefix(day);
  const chunks: ArchiveChunk[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix, include: ["customMetadata"], ...(cursor && { cursor }) });
    for (const { key, customMetadata } of page.objects)
      chunks.push({ key, contents: customMetadata as unknown as ChunkContents });
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return chunks;
}

/** The chunks that may contain a request. */
export async function findChunksWith(bucket: R2Bucket, id: string): Promise<ArchiveChunk[]> {
  const at = getIdTime(id);
  if (at === null) return [];
  const chunks = await listChunks(bucket, toDay(at));
  return chunks.filter(({ contents }) => contents.first <= id && id <= contents.last);
}

/**
 * Writes rows of one day as a chunk: a new one, or in place of `replaced`. Only the compressed text is held
 * in memory. Returns null if there are no rows.
 */
export async function writeChunk(
  bucket: R2Bucket,
  rows: AsyncIterable<{ readonly id: string }>,
  replaced?: ArchiveChunk,
): Promise<ArchiveChunk | null> {
  const gzip = new CompressionStream("gzip");
  const compressed = new Response(gzip.readable).arrayBuffer();
  const digest = new Digest();
  const writer = gzip.writable.getWriter();
  let [first, last, count] = ["", "", 0];
  for await (const row of rows) {
    const line = new TextEncoder().encode(`${JSON.stringify(row)}\n`);
    await Promise.all([writer.write(line), digest.write(line)]);
    first ||= row.id;
    last = row.id;
    count++;
  }
  await writer.close();
  const contents: ChunkContents = { first, last, rows: String(count), sha256: await digest.end() };
  const bytes = await compressed;
  if (count === 0) return null;
  const key = replaced?.key ?? toChunkKey(contents);
  await bucket.put(key, bytes, {
    customMetadata: { ...contents },
    httpMetadata: { contentType: "application/gzip" },
  });
  return { key, contents };
}

/**
 * The rows of a chunk.
 * @throws DamagedChunkError after the last row, if the chunk does not contain what its metadata says.
 */
export async function* readChunk(
  bucket: R2Bucket,
  { key, contents }: ArchiveChunk,
): AsyncGenerator<{ id: string }> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`the archive chunk ${key} does not exist`);
  const digest = new Digest();
  const text = object.body
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        async transform(bytes, controller) {
          await digest.write(bytes);
          controller.enqueue(bytes);
        },
      }),
    )
    .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }));
  let [incompleteLine, count] = ["", 0];
  for await (const piece of text) {
    const lines = (incompleteLine + piece).split("\n");
    incompleteLine = lines.pop() ?? "";
    for (const line of lines) {
      count++;
      yield JSON.parse(line);
    }
  }
  const sha256 = await digest.end();
  if (incompleteLine !== "" || String(count) !== contents.rows || sha256 !== contents.sha256)
    throw new DamagedChunkError(
      `the archive chunk ${key} has ${count} rows with the SHA-256 ${sha256}, but must have ${contents.rows} with ${contents.sha256}`,
    );
}

/** The key has the time of the first row but not its id, because the row may have to be erased. */
function toChunkKey({ first, sha256 }: ChunkContents): string {
  const at = getIdTime(first) ?? 0;
  const time = new Date(at).toISOString().slice(11, 23).replaceAll(/[:.]/g, "");
  return `${toDayPrefix(toDay(at))}${time}-${sha256.slice(0, 16)}.ndjson.gz`;
}

function toDayPrefix(day: number): string {
  return `${ARCHIVE_PREFIX}${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "/")}/`;
}

/** The SHA-256 of bytes that are written piece by piece. */
class Digest {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#stream.getWriter();

  write(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes);
  }

  /** The digest in hexadecimal. */
  async end(): Promise<string> {
    await this.#writer.close();
    const bytes = new Uint8Array(await this.#stream.digest);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}
