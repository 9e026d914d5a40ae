import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../http/context.ts";
import { ContentTooLarge, MalformedBody } from "../http/errors.ts";
import { withTimeout } from "../lib/single-flight.ts";

export const BODY_LIMIT = 1_048_576;
/** A client of which nothing more comes for so long is taken for gone: not every one takes its leave. */
const STALLED_MS = 15_000;

/**
 * Reads the body, counting the bytes that really come: a `content-length` may be absent or a lie. What was
 * read stays with the request for the endpoints and for the log, also when it is too much.
 */
export const bodyLimit = createMiddleware<AppEnv>(async (c, next) => {
  const stream = c.req.raw.body;
  if (stream !== null && c.req.method !== "GET" && c.req.method !== "HEAD") {
    const { bytes, more, fault } = await read(stream, BODY_LIMIT);
    c.var.requestContext.body = bytes;
    if (fault !== undefined) throw new MalformedBody("The body broke off before its end.", { cause: fault });
    if (more) throw new ContentTooLarge(ContentTooLarge.kind.example);
  }
  await next();
});

interface Body {
  /** As far as it came, and no further than the limit. */
  readonly bytes: Uint8Array;
  readonly more: boolean;
  /** Why it broke off; undefined where it did not. */
  readonly fault: unknown;
}

async function read(stream: ReadableStream<Uint8Array>, most: number): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let fault: unknown;
  const reader = stream.getReader();
  try {
    while (size <= most) {
      const { done, value } = await withTimeout(STALLED_MS, reader.read());
      if (done) break;
      chunks.push(value);
      size += value.byteLength;
    }
  } catch (error) {
    fault = error;
  }
  const more = size > most;
  if (more || fault !== undefined) reader.cancel().catch(() => {});
  return { bytes: join(chunks, Math.min(size, most)), more, fault };
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.subarray(0, size - offset), offset);
    offset += Math.min(chunk.byteLength, size - offset);
  }
  return bytes;
}
