import { type JsonValue, parseUbjson } from "./ubjson.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

/**
 * Parses a file that XGBoost's `save_model` wrote. The first bytes decide between JSON and UBJ.
 * @throws UnsupportedModelError if the file is neither JSON nor UBJ
 */
export function parseModelFile(bytes: Uint8Array): JsonValue {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  if (/^\{[LlIiU#$]/.test(start)) return parseUbjson(bytes);
  if (/^\s*[{[]/.test(start)) return parseJson(bytes);
  throw new UnsupportedModelError(describeUnknownFile(start));
}

function describeUnknownFile(start: string): string {
  const advice = "; save the model with XGBoost's save_model as .json or .ubj";
  if (start === "") return "the file is empty";
  if (start.startsWith("\x80")) return `the file is a Python pickle, not an XGBoost model${advice}`;
  return `the file is not an XGBoost model in JSON or UBJ format${advice}`;
}

function parseJson(bytes: Uint8Array): JsonValue {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.parse(quoteNonFinite(text)) as JsonValue;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedModelError(`invalid JSON: ${reason}`, { cause });
  }
}

/** XGBoost writes NaN and Infinity, which JSON does not allow. They are read as strings. */
function quoteNonFinite(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
}
