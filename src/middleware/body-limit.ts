import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../http/context.ts";
import { ContentTooLarge, MalformedBody } from "../http/errors.ts";
import type { RequestTimer } from "../lib/timeout.ts";

const MAX_BODY_BYTES = 1_048_576;
/** The size of the buffer for a body of unknown length. It grows. */
const FIRST_BUFFER_BYTES = 16_384;
/** A client that sends nothing for this long counts as disconnected: not all clients close the connection. */
const CHUNK_TIMEOUT_MS = 15_000;

/**
 * Reads the body and limits its size. The request context keeps the bytes for the endpoint and for the log,
 * also of a body that is too large or incomplete.
 */
export const bodyLimit = createMiddleware<AppEnv>(async (c, next) => {
  const stream = c.req.raw.body;
  if (stream !== null && c.req.method !== "GET" && c.req.method !== "HEAD") {
    const context = c.get("requestContext");
    const length = parseLength(c.req.header("content-length"));
    const { bytes, isTooLarge, error } = await readBody(stream, length, context.timer);
    context.body = bytes;
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

/**
 * Reads a body into one buffer: the runtime takes kilobytes for each chunk that is kept, however short.
 * @param length what `content-length` says, bytes; NaN without one. The bytes that arrive are counted all the
 *   same, because it can be wrong.
 */
async function readBody(
  stream: ReadableStream<Uint8Array>,
  length: number,
  timer: RequestTimer,
): Promise<Body> {
  let buffer = new Uint8Array(length <= MAX_BODY_BYTES ? length : FIRST_BUFFER_BYTES);
  let size = 0;
  let error: unknown;
  const reader = stream.getReader();
  try {
    // Where the length is known, no further read is needed to find the end.
    while (size <= MAX_BODY_BYTES && size !== length) {
      const { done, value } = await timer.withTimeout(CHUNK_TIMEOUT_MS, reader.read());
      if (done) break;
      if (size + value.byteLength > buffer.byteLength) buffer = enlarge(buffer, size + value.byteLength);
      buffer.set(value, size);
      size += value.byteLength;
    }
    // `wrangler dev` reads on until the end, and complains about a reader.
    reader.releaseLock();
  } catch (cause) {
    error = cause;
  }
  const isTooLarge = size > MAX_BODY_BYTES;
  if (error !== undefined) reader.cancel().catch(() => {});
  else if (isTooLarge) stream.cancel().catch(() => {});
  return { bytes: buffer.subarray(0, Math.min(size, MAX_BODY_BYTES)), isTooLarge, error };
}

function parseLength(header = ""): number {
  return /^[1-9]\d*$/.test(header) ? Number(header) : Number.NaN;
}

function enlarge(buffer: Uint8Array, minBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * minBytes);
  larger.set(buffer);
  return larger;
}
