import type { StoredCategories } from "./category-codes.ts";
import { findValue, readList, readNumbers } from "./document/json-fields.ts";
import type { JsonValue } from "./ubjson.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

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
  checkOffsets(offsets, values.length);
  const bytes = Uint8Array.from(values);
  const decoder = new TextDecoder();
  return { names: offsets.slice(1).map((end, i) => decoder.decode(bytes.subarray(offsets[i], end))) };
}

/** Names that overlap could together be far larger than the file. */
function checkOffsets(offsets: readonly number[], byteCount: number): void {
  const isValid = offsets.every(
    (offset, i) =>
      Number.isInteger(offset) && offset >= (i === 0 ? 0 : offsets[i - 1]!) && offset <= byteCount,
  );
  if (!isValid) throw new UnsupportedModelError("the stored category names overlap or are incomplete");
}
