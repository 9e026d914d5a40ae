import { type JsonValue, parseUbjson } from "../ubjson.ts";
import { UnsupportedModelError } from "../unsupported-model-error.ts";
import { parseJson } from "./parse-json.ts";

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
