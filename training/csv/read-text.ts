import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "../../cloudflare/user-error.ts";
import { FILE_FORMATS, recognizeFormat } from "../files/file-format.ts";
import { FORMAT_ADVICE } from "./format-advice.ts";

/** A file, a pipe or an address with rows of stones. */
export interface Source {
  /** The name in the registry: the file name, `stdin`, or the address without credentials and query. */
  readonly name: string;
  open(): Promise<Readable>;
  /** The address that a server redirected the last call of `open` to, without query; null if there was none. */
  redirectedTo?(): string | null;
}

/** Bytes that show the format and the encoding of a file. */
const PREFIX_BYTES = 4_096;
/** A gzip file that unpacks to more than this, and to this multiple of its size, is an attack. CSV takes 5 to 20. */
const MAX_FREELY_UNPACKED_BYTES = 64 * 2 ** 20;
const MAX_UNPACKED_RATIO = 100;

type Chunks = AsyncIterable<Buffer>;

/**
 * Streams the text of a source in UTF-8, without a byte order mark. Gzip is unpacked, and UTF-16 is decoded.
 * @throws UserError if the file is of another format than CSV, or if it is damaged
 */
export async function* readText(source: Source): AsyncGenerator<Buffer> {
  const stream = await source.open();
  try {
    let { prefix, chunks } = await readPrefix(stream);
    let format = await recognizeFormat(prefix);
    if (format === "gzip") {
      ({ prefix, chunks } = await readPrefix(unpack(source.name, chunks)));
      format = await recognizeFormat(prefix);
    }
    if (format === "empty") throw new UserError(`${source.name}: the file is empty`);
    if (format !== null) {
      const origin = source.redirectedTo?.() ?? null;
      const place = origin === null ? "" : ` (the server redirected to ${origin})`;
      throw new UserError(
        `${source.name}: the file is ${FILE_FORMATS[format]}${place}: ${FORMAT_ADVICE[format]}`,
      );
    }
    yield* decode(prefix, chunks);
  } finally {
    stream.destroy();
  }
}

/** Reads the first bytes. The chunks that are returned begin with them. */
async function readPrefix(stream: Chunks): Promise<{ prefix: Buffer; chunks: Chunks }> {
  const iterator = stream[Symbol.asyncIterator]();
  let prefix = Buffer.alloc(0);
  while (prefix.length < PREFIX_BYTES) {
    const { value, done } = await iterator.next();
    if (done) break;
    prefix = Buffer.concat([prefix, value]);
  }
  const chunks = (async function* () {
    if (prefix.length > 0) yield prefix;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  return { prefix, chunks };
}

async function* unpack(sourceName: string, chunks: Chunks): AsyncGenerator<Buffer> {
  let packedBytes = 0;
  const countBytes = async function* () {
    for await (const chunk of chunks) {
      packedBytes += chunk.length;
      yield chunk;
    }
  };
  const packed = Readable.from(countBytes());
  const gunzip = createGunzip();
  packed.on("error", (error) => gunzip.destroy(error));
  packed.pipe(gunzip);
  let bytes = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_FREELY_UNPACKED_BYTES && bytes > packedBytes * MAX_UNPACKED_RATIO) {
        throw new UserError(
          `${sourceName}: the gzip file unpacks to more than ${MAX_UNPACKED_RATIO} times its size: it is no table of stones`,
        );
      }
      yield chunk;
    }
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (!code.startsWith("Z_")) throw cause;
    const fault = code === "Z_BUF_ERROR" ? "ends too early" : "is damaged";
    throw new UserError(`${sourceName}: the gzip file ${fault}: get it again`, { cause });
  } finally {
    packed.destroy();
    gunzip.destroy();
  }
}

async function* decode(prefix: Buffer, chunks: Chunks): AsyncGenerator<Buffer> {
  const encoding = findEncoding(prefix);
  if (encoding !== "utf-8") {
    const decoder = new TextDecoder(encoding);
    for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
    yield Buffer.from(decoder.decode());
    return;
  }
  let isFirst = true;
  for await (const chunk of chunks) {
    const hasMark = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    yield hasMark ? chunk.subarray(3) : chunk;
    isFirst = false;
  }
}

/** UTF-16 has a byte order mark, or every second byte of its Latin letters is 0. */
function findEncoding([first, second, third, fourth]: Buffer): "utf-8" | "utf-16le" | "utf-16be" {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first && second === 0 && third && fourth === 0) return "utf-16le";
  if (first === 0 && second && third === 0 && fourth) return "utf-16be";
  return "utf-8";
}
