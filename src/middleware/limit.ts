import { createMiddleware } from "hono/factory";
import type { App } from "../http/context.ts";
import { MalformedBody, TooLarge } from "../http/problem.ts";

export const BODY_LIMIT = 1_048_576;

/**
 * Reads the body, counting the bytes that really come: a `content-length` may be absent or a lie. What was
 * read stays with the request for the endpoints and for the log, also when it is too much.
 */
export const limit = createMiddleware<App>(async (c, next) => {
  const stream = c.req.raw.body;
  if (stream !== null && c.req.method !== "GET" && c.req.method !== "HEAD") {
    const { bytes, more } = await read(stream, BODY_LIMIT);
    c.var.exchange.body = bytes;
    if (more) throw new TooLarge(TooLarge.kind.example);
  }
  await next();
});

async function read(
  stream: ReadableStream<Uint8Array>,
  most: number,
): Promise<{ bytes: Uint8Array; more: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  try {
    while (size <= most) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      size += value.byteLength;
    }
  } catch (cause) {
    throw new MalformedBody("The body broke off before its end.", { cause });
  }
  if (size > most) reader.cancel().catch(() => {});
  return { bytes: join(chunks, Math.min(size, most)), more: size > most };
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
