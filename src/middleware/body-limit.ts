import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../http/context.ts";
import { ContentTooLarge, MalformedBody } from "../http/errors.ts";
import type { RequestTimer } from "../lib/request-timer.ts";

const MAX_BODY_BYTES = 1_048_576;
/** A client that sends nothing for this long counts as disconnected: not all clients close the connection. */
const SILENCE_TIMEOUT_MS = 15_000;
/** The slowest connection that can send a body, bytes a millisecond. */
const MIN_SPEED = 8;

/**
 * Reads the body and limits its size. The request context keeps the bytes for the endpoint and for the log,
 * also of a body that is too large.
 */
export const bodyLimit = createMiddleware<AppEnv>(async (c, next) => {
  const stream = c.req.raw.body;
  if (stream !== null && c.req.method !== "GET" && c.req.method !== "HEAD") {
    const length = Number(c.req.header("content-length") ?? Number.NaN);
    const context = c.get("requestContext");
    const { bytes, isTooLarge, error } = await (length <= MAX_BODY_BYTES
      ? readAtOnce(c.req.raw, length, context.timer)
      : readChunks(stream, context.timer));
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
 * Reads a body of known length into one buffer, without the turns of the event loop between chunks. No bytes
 * of an incomplete body are kept.
 */
async function readAtOnce(request: Request, length: number, timer: RequestTimer): Promise<Body> {
  try {
    const timeoutMs = SILENCE_TIMEOUT_MS + length / MIN_SPEED;
    const buffer = await timer.withTimeout(timeoutMs, request.arrayBuffer());
    // Counted again: a caller inside the Worker's account can send another length than the body has.
    const isTooLarge = buffer.byteLength > MAX_BODY_BYTES;
    return { bytes: new Uint8Array(buffer).subarray(0, MAX_BODY_BYTES), isTooLarge, error: undefined };
  } catch (error) {
    return { bytes: new Uint8Array(), isTooLarge: false, error };
  }
}

/** Reads a body of unknown length. It counts the bytes that arrive. */
async function readChunks(stream: ReadableStream<Uint8Array>, timer: RequestTimer): Promise<Body> {
  // One buffer that grows, because the runtime takes kilobytes for each chunk that is kept, however short.
  let buffer = new Uint8Array(65_536);
  let size = 0;
  let error: unknown;
  const reader = stream.getReader();
  try {
    while (size <= MAX_BODY_BYTES) {
      const { done, value } = await timer.withTimeout(SILENCE_TIMEOUT_MS, reader.read());
      if (done) break;
      if (size + value.byteLength > buffer.byteLength) {
        const larger = new Uint8Array(2 * (size + value.byteLength));
        larger.set(buffer);
        buffer = larger;
      }
      buffer.set(value, size);
      size += value.byteLength;
    }
  } catch (cause) {
    error = cause;
  }
  const isTooLarge = size > MAX_BODY_BYTES;
  if (isTooLarge || error !== undefined) reader.cancel().catch(() => {});
  return { bytes: buffer.subarray(0, Math.min(size, MAX_BODY_BYTES)), isTooLarge, error };
}
