import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../http/context.ts";
import { ContentTooLarge, MalformedBody } from "../http/errors.ts";
import { withTimeout } from "../lib/timeout.ts";

const MAX_BODY_BYTES = 1_048_576;
/** A client that sends nothing for this long counts as disconnected: not all clients close the connection. */
const CHUNK_TIMEOUT_MS = 15_000;

/** Such a body comes in a few packets, and is read in one step. */
const MAX_SHORT_BODY_BYTES = 65_536;

/**
 * Reads the body and limits its size. It counts the bytes that arrive, because `content-length` can be absent
 * or wrong. The request context keeps the bytes for the endpoint and for the log, also of a body that is too
 * large.
 */
export const bodyLimit = createMiddleware<AppEnv>(async (c, next) => {
  const stream = c.req.raw.body;
  if (stream !== null && c.req.method !== "GET" && c.req.method !== "HEAD") {
    const isShort = Number(c.req.header("content-length") ?? Number.NaN) <= MAX_SHORT_BODY_BYTES;
    const { bytes, isTooLarge, error } = await (isShort ? readShortBody(c.req.raw) : readChunks(stream));
    c.get("requestContext").body = bytes;
    if (error !== undefined)
      throw new MalformedBody("The connection closed before the end of the body.", { cause: error });
    if (isTooLarge) throw new ContentTooLarge(ContentTooLarge.kind.example);
  }
  await next();
});

interface Body {
  /** The bytes that arrived, up to the limit. */
  readonly bytes: Uint8Array;
  readonly isTooLarge: boolean;
  /** The error that stopped the reading before the end; undefined without one. */
  readonly error: unknown;
}

/** Reads a body whose length is known and short. */
async function readShortBody(request: Request): Promise<Body> {
  try {
    const buffer = await withTimeout(CHUNK_TIMEOUT_MS, request.arrayBuffer());
    const isTooLarge = buffer.byteLength > MAX_BODY_BYTES;
    return { bytes: new Uint8Array(buffer).subarray(0, MAX_BODY_BYTES), isTooLarge, error: undefined };
  } catch (error) {
    return { bytes: new Uint8Array(), isTooLarge: false, error };
  }
}

async function readChunks(stream: ReadableStream<Uint8Array>): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let error: unknown;
  const reader = stream.getReader();
  try {
    while (size <= MAX_BODY_BYTES) {
      const { done, value } = await withTimeout(CHUNK_TIMEOUT_MS, reader.read());
      if (done) break;
      chunks.push(value);
      size += value.byteLength;
    }
  } catch (cause) {
    error = cause;
  }
  const isTooLarge = size > MAX_BODY_BYTES;
  if (isTooLarge || error !== undefined) reader.cancel().catch(() => {});
  return { bytes: concatenate(chunks, Math.min(size, MAX_BODY_BYTES)), isTooLarge, error };
}

/** Joins chunks and cuts the result to a size. */
function concatenate(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.subarray(0, size - offset), offset);
    offset += Math.min(chunk.byteLength, size - offset);
  }
  return bytes;
}
