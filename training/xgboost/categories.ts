import type { KeptCategories } from "./features.ts";
import { listAt, numbersAt, valueAt } from "./fields.ts";
import type { Json } from "./ubjson.ts";

/**
 * The categories that a model keeps, one entry a feature; XGBoost 3.1 and later keeps those of data frames.
 * Names are stored as Arrow does: all their bytes in one list, and where each one starts and the last ends.
 */
export function readKeptCategories(model: Json, features: number): (KeptCategories | undefined)[] {
  const encodings = listAt(model, ["cats", "enc"], []);
  return Array.from({ length: features }, (_, i) => readEncoding(encodings[i]));
}

function readEncoding(encoding: Json | undefined): KeptCategories | undefined {
  const values = numbersAt(encoding, ["values"], []);
  if (values.length === 0) return undefined;
  if (valueAt(encoding, ["offsets"]) === undefined) return { codes: values };
  const offsets = numbersAt(encoding, ["offsets"]);
  const bytes = Uint8Array.from(values);
  const names = offsets.slice(1).map((end, i) => new TextDecoder().decode(bytes.subarray(offsets[i], end)));
  return { names };
}
