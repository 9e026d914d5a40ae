import type { StoredCategories } from "./features.ts";
import { findValue, readList, readNumbers } from "./json-fields.ts";
import type { JsonValue } from "./ubjson.ts";

/**
 * Reads the categories that a model file stores, one entry per feature. XGBoost 3.1 and later store the
 * categories of data frames. Names have Arrow's format: one list with all bytes, and a list of offsets.
 */
export function readStoredCategories(
  model: JsonValue,
  featureCount: number,
): (StoredCategories | undefined)[] {
  const encodings = readList(model, ["cats", "enc"], []);
  return Array.from({ length: featureCount }, (_, i) => readEncoding(encodings[i]));
}

function readEncoding(encoding: JsonValue | undefined): StoredCategories | undefined {
  const values = readNumbers(encoding, ["values"], []);
  if (values.length === 0) return undefined;
  if (findValue(encoding, ["offsets"]) === undefined) return { codes: values };
  const offsets = readNumbers(encoding, ["offsets"]);
  const bytes = Uint8Array.from(values);
  const names = offsets.slice(1).map((end, i) => new TextDecoder().decode(bytes.subarray(offsets[i], end)));
  return { names };
}
