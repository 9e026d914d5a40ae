import { truncate } from "../lib/truncate.ts";
import type { AppContext } from "./context.ts";
import { MalformedBody, UnsupportedMediaType } from "./errors.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * Parses the body as JSON.
 * @throws MalformedBody, UnsupportedMediaType
 */
export function readJson(c: AppContext): unknown {
  const bytes = c.get("requestContext").body;
  if (bytes === null || bytes.byteLength === 0)
    throw new MalformedBody("The body is empty. Send a JSON object.");
  const type = c.req.header("content-type");
  if (type?.split(";")[0]?.trim().toLowerCase() !== "application/json") {
    const sent = type === undefined ? "The content type is missing" : `The content type is ${truncate(type)}`;
    throw new UnsupportedMediaType(`${sent}; send the header content-type: application/json.`, {
      headers: { accept: "application/json" },
    });
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1];
  if (charset !== undefined && charset.toLowerCase() !== "utf-8")
    throw new UnsupportedMediaType(`The charset is ${truncate(charset)}; send UTF-8.`);
  const encoding = c.req.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new UnsupportedMediaType(
      `The content encoding is ${truncate(encoding)}; send the body without one.`,
    );
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw new MalformedBody("The body is not valid UTF-8.", { cause });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? `: ${truncate(error.message, 200)}` : "";
    throw new MalformedBody(`The body is not valid JSON${reason}${explainSyntax(text)}`);
  }
}

/** What other languages write in place of JSON: Python's json module, for example, writes NaN for a gap. */
const FOREIGN_VALUE = /[:,[]\s*([-+]?(?:NaN|Infinity|nan|inf)|None|undefined|True|False)\s*(?=[,}\]])/;

/** Explains the usual mistakes of a body that is not JSON; empty if it has none of them. */
function explainSyntax(text: string): string {
  const value = FOREIGN_VALUE.exec(text)?.[1];
  if (value === "True" || value === "False") return `. ${value} is not JSON: write ${value.toLowerCase()}`;
  if (value !== undefined) return `. ${value} is not JSON: leave the field out, or send null`;
  if (/^\s*[{[]\s*'/.test(text)) return ". JSON needs double quotes";
  if (/,\s*[}\]]/.test(text)) return ". JSON allows no comma before a closing bracket";
  if (/^\s*\w+=/.test(text)) return ". This is a form: send a JSON object";
  return "";
}
