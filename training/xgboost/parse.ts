import { UnsupportedModelError } from "./error.ts";
import { type Json, parseUbjson } from "./ubjson.ts";

/**
 * Reads a model file that XGBoost's `save_model` wrote, JSON or UBJ by its first bytes.
 * @throws UnsupportedModelError where it is neither.
 */
export function parseModelFile(bytes: Uint8Array): Json {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  if (/^\{[LlIiU#$]/.test(start)) return parseUbjson(bytes);
  if (/^\s*[{[]/.test(start)) return parseJson(bytes);
  throw new UnsupportedModelError(nameOf(start));
}

function nameOf(start: string): string {
  const advice = "; save it with XGBoost's save_model as .json or .ubj";
  if (start === "") return "the file is empty";
  if (start.startsWith("\x80")) return `the file is a Python pickle, not an XGBoost model${advice}`;
  return `the file is not an XGBoost model in JSON or UBJ${advice}`;
}

function parseJson(bytes: Uint8Array): Json {
  try {
    return JSON.parse(quoteNonFinite(new TextDecoder("utf-8", { fatal: true }).decode(bytes))) as Json;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedModelError(`the JSON file is corrupt: ${reason}`, { cause });
  }
}

/** XGBoost writes NaN and Infinity, which JSON does not have: as texts they come through. */
function quoteNonFinite(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
}
