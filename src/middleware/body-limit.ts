import { createMiddleware } from "hono/factory";
import { isStranger } from "../access/authorize.ts";
import { type AppContext, type AppEnv, findRoute } from "../http/context.ts";
import { ContentTooLarge, MalformedBody } from "../http/errors.ts";
import type { RequestTimer } from "../lib/timeout.ts";
import { STRANGER_BODY_BYTES } from "../request-log/write/limit-texts.ts";
import { MAX_REFUSED_BODY_BYTES } from "../request-log/write/to-record.ts";

const MAX_BODY_BYTES = 1_048_576;
/** How much one read takes at most. */
const READ_BYTES = 16_384;
/** A client that sends nothing for this long counts as disconnected: not all clients close the connection. */
const CHUNK_TIMEOUT_MS = 15_000;
/** The longest time for a whole body: a client that sends a byte now and then holds its buffer until then. */
const BODY_TIMEOUT_MS = 60_000;

/**
 * Reads the body and limits its size and its time. The request context keeps the bytes for the endpoint and for
 * the log, also of a body that is too large or incomplete. Of a body that no endpoint will use, only what the
 * log keeps is held. Its rest is read and dropped, because many clients lose an answer that comes before they
 * have sent everything.
 */
export const bodyLimit = createMiddleware<AppEnv>(async (c, next) => {
  const stream = c.req.raw.body;
  if (stream !== null && c.req.method !== "GET" && c.req.method !== "HEAD") {
    const context = c.get("requestContext");
    const length = parseLength(c.req.header("content-length"));
    const { timer } = context;
    const { bytes, size, error } = await readBody(stream, { length, keptBytes: getKeptBytes(c), timer });
    context.body = bytes;
    context.bodySize = size;
    if (error !== undefined) throw new MalformedBody(explainFailure(error), { cause: error });
    if (size > MAX_BODY_BYTES) throw new ContentTooLarge(ContentTooLarge.kind.example);
  }
  await next();
});

/** How much of the body an endpoint can use, or else the log keeps. */
function getKeptBytes(c: AppContext): number {
  if (isStranger(c)) return STRANGER_BODY_BYTES;
  return findRoute(c) === null ? MAX_REFUSED_BODY_BYTES : MAX_BODY_BYTES;
}

/** The whole body took too long, although some of it came all the time. */
class BodyTimeoutError extends Error {
  constructor() {
    super(`the body took longer than ${BODY_TIMEOUT_MS} ms`);
  }
}

function explainFailure(error: unknown): string {
  if (error instanceof BodyTimeoutError)
    return `The body took longer than ${BODY_TIMEOUT_MS / 1000} seconds. Send it in one piece.`;
  return "The connection closed before the end of the body.";
}

interface Body {
  /** The bytes that arrived first. */
  readonly bytes: Uint8Array;
  /** How many bytes arrived. */
  readonly size: number;
  /** The error that stopped the reading before the end; undefined without one. */
  readonly error: unknown;
}

interface ReadOptions {
  /** What `content-length` says, bytes; NaN without one. It can be wrong, so what arrives is counted. */
  readonly length: number;
  readonly keptBytes: number;
  readonly timer: RequestTimer;
}

/**
 * Reads a body into one buffer, which grows with the bytes that arrive. A body in many small pieces takes few
 * reads: the runtime takes kilobytes for each of them, however short.
 */
async function readBody(
  stream: ReadableStream<Uint8Array>,
  { length, keptBytes, timer }: ReadOptions,
): Promise<Body> {
  const reader = openReader(stream);
  const deadline = Date.now() + BODY_TIMEOUT_MS;
  let memory: Uint8Array = new Uint8Array(length <= READ_BYTES ? length : READ_BYTES);
  let kept: Uint8Array = new Uint8Array(0);
  let size = 0;
  let error: unknown;
  try {
    // Where the length is known, no further read is needed to find the end.
    while (size <= MAX_BODY_BYTES && size !== length) {
      const remainingMs = deadline - Date.now();
      if (remainingMs <= 0) throw new BodyTimeoutError();
      // What a failed read has collected is lost, so it may collect an eighth of what is there.
      const minBytes = Math.min(Math.max(1, size >> 3), memory.byteLength);
      const { done, value } = await timer.withTimeout(
        Math.min(CHUNK_TIMEOUT_MS, remainingMs),
        reader.read(memory, minBytes),
      );
      if (value !== undefined && value.byteLength > 0) {
        if (value.byteLength === length) kept = value;
        else if (size < keptBytes) kept = append(kept, size, value);
        size += value.byteLength;
        memory = new Uint8Array(value.buffer);
      }
      if (done) break;
    }
    // `wrangler dev` reads on until the end, and complains about a reader.
    reader.release();
  } catch (cause) {
    error = Date.now() >= deadline ? new BodyTimeoutError() : cause;
  }
  if (error !== undefined) reader.cancel();
  else if (size > MAX_BODY_BYTES) stream.cancel().catch(() => {});
  return { bytes: kept.subarray(0, Math.min(size, keptBytes)), size, error };
}

interface BodyReader {
  /** Reads at least `minBytes`, or all to the end, into `memory`, which the result then has. */
  read(memory: Uint8Array, minBytes: number): Promise<ReadableStreamReadResult<Uint8Array>>;
  cancel(): void;
  release(): void;
}

/** Only the streams of the runtime can collect small pieces, and a client's body is one. */
function openReader(stream: ReadableStream<Uint8Array>): BodyReader {
  try {
    const reader = stream.getReader({ mode: "byob" });
    return {
      read: (memory, minBytes) => reader.readAtLeast(minBytes, memory),
      cancel: () => void reader.cancel().catch(() => {}),
      release: () => reader.releaseLock(),
    };
  } catch {
    const reader = stream.getReader();
    return {
      read: () => reader.read(),
      cancel: () => void reader.cancel().catch(() => {}),
      release: () => reader.releaseLock(),
    };
  }
}

function parseLength(header = ""): number {
  return /^[1-9]\d*$/.test(header) ? Number(header) : Number.NaN;
}

/** Puts a chunk behind the first `size` bytes of a buffer, or of a larger copy if it does not fit. */
function append(buffer: Uint8Array, size: number, chunk: Uint8Array): Uint8Array {
  const needed = size + chunk.byteLength;
  let target = buffer;
  if (needed > buffer.byteLength) {
    target = new Uint8Array(2 * needed);
    target.set(buffer.subarray(0, size));
  }
  target.set(chunk, size);
  return target;
}
