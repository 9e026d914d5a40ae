import type { AppContext } from "./context.ts";
import { MalformedBody, UnsupportedMediaType } from "./errors.ts";

/**
 * The body as JSON.
 * @throws MalformedBody, UnsupportedMediaType
 */
export function readJson(c: AppContext): unknown {
  const bytes = c.var.requestContext.body;
  if (bytes === null || bytes.byteLength === 0)
    throw new MalformedBody("The body is empty; send a JSON object.");
  const type = c.req.header("content-type");
  if (type?.split(";")[0]?.trim().toLowerCase() !== "application/json") {
    const sent =
      type === undefined ? "No content type was sent" : `The content type is ${type.slice(0, 100)}`;
    throw new UnsupportedMediaType(`${sent}; send application/json.`, {
      headers: { accept: "application/json" },
    });
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1];
  if (charset !== undefined && charset.toLowerCase() !== "utf-8")
    throw new UnsupportedMediaType(`The charset is ${charset.slice(0, 100)}; JSON is sent as UTF-8.`);
  const encoding = c.req.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new UnsupportedMediaType(`The content encoding is ${encoding.slice(0, 100)}; send it unencoded.`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new MalformedBody("The body is not valid UTF-8.", { cause });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? `: ${error.message.slice(0, 200)}` : "";
    throw new MalformedBody(`The body is not valid JSON${reason}`);
  }
}
