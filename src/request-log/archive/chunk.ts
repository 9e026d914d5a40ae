/** Parts of the archive: gzipped NDJSON in the bucket, a row of the log a line, that say what is in them. */
import { timeOfId } from "../../domain/request-id.ts";

const ARCHIVE = "log-archive/";
export const DAY_MS = 86_400_000;

export const dayOf = (at: number): number => Math.floor(at / DAY_MS);

/** The first and last id in a part, the number of its rows, and the SHA-256 of its text. */
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

/** A part that is not what it was when it was written. */
export class DamagedChunkError extends Error {}

/** The parts of a day, counted from 1970. */
export async function listChunks(bucket: R2Bucket, day: number): Promise<ArchiveChunk[]> {
  const prefix = dayPrefix(day);
  const parts: ArchiveChunk[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix, include: ["customMetadata"], ...(cursor && { cursor }) });
    for (const { key, customMetadata } of page.objects)
      parts.push({ key, contents: customMetadata as unknown as ChunkContents });
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return parts;
}

/** The parts in which a request can be. */
export async function findChunksWith(bucket: R2Bucket, id: string): Promise<ArchiveChunk[]> {
  const at = timeOfId(id);
  if (at === null) return [];
  const parts = await listChunks(bucket, dayOf(at));
  return parts.filter(({ contents }) => contents.first <= id && id <= contents.last);
}

/**
 * Writes rows of one day as a part: a new one, or in the place of another. Memory holds the compressed
 * text. Null where there was no row.
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
  const key = replaced?.key ?? keyOf(contents);
  await bucket.put(key, bytes, {
    customMetadata: { ...contents },
    httpMetadata: { contentType: "application/gzip" },
  });
  return { key, contents };
}

/**
 * The rows of a part.
 * @throws DamagedPart at the end, where it does not hold what it says.
 */
export async function* readChunk(
  bucket: R2Bucket,
  { key, contents }: ArchiveChunk,
): AsyncGenerator<{ id: string }> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key} is not there`);
  const digest = new Digest();
  const text = object.body
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        async transform(chunk, controller) {
          await digest.write(chunk);
          controller.enqueue(chunk);
        },
      }),
    )
    .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }));
  let [rest, count] = ["", 0];
  for await (const chunk of text) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      count++;
      yield JSON.parse(line);
    }
  }
  const sha256 = await digest.end();
  if (rest !== "" || String(count) !== contents.rows || sha256 !== contents.sha256)
    throw new DamagedChunkError(
      `${key} holds ${count} rows of SHA-256 ${sha256}, not ${contents.rows} of ${contents.sha256}`,
    );
}

/** The time of its first row, without its id, which may have to be forgotten. */
function keyOf({ first, sha256 }: ChunkContents): string {
  const at = timeOfId(first) ?? 0;
  const time = new Date(at).toISOString().slice(11, 23).replaceAll(/[:.]/g, "");
  return `${dayPrefix(dayOf(at))}${time}-${sha256.slice(0, 16)}.ndjson.gz`;
}

function dayPrefix(day: number): string {
  return `${ARCHIVE}${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "/")}/`;
}

/** SHA-256 of what is written to it, a piece at a time. */
class Digest {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#stream.getWriter();

  write(chunk: Uint8Array): Promise<void> {
    return this.#writer.write(chunk);
  }

  /** Hexadecimal. */
  async end(): Promise<string> {
    await this.#writer.close();
    const bytes = new Uint8Array(await this.#stream.digest);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}
