import { UnsupportedModelError } from "./error.ts";
import type { Json } from "./ubjson.ts";

export type JsonObject = { readonly [key: string]: Json };

/** The object at a path of keys below a value. @throws UnsupportedModelError where there is none. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = valueAt(value, path);
  if (isObject(found)) return found;
  throw new UnsupportedModelError(`the file is not a whole XGBoost model: ${path.join(".")} is missing`);
}

/** The list at a path; an absent one is refused unless there is a default. */
export function listAt(
  value: Json | undefined,
  path: readonly string[],
  otherwise?: readonly Json[],
): readonly Json[] {
  const found = valueAt(value, path) ?? otherwise;
  if (Array.isArray(found)) return found;
  throw new UnsupportedModelError(`the file is not a whole XGBoost model: ${path.join(".")} is no list`);
}

/** The numbers at a path; NaN and infinities may come as texts. */
export function numbersAt(
  value: Json | undefined,
  path: readonly string[],
  otherwise?: readonly number[],
): readonly number[] {
  return listAt(value, path, otherwise).map((entry, i) => {
    const number = typeof entry === "boolean" ? Number(entry) : toNumber(entry);
    if (number !== undefined) return number;
    throw new UnsupportedModelError(`the XGBoost model is corrupt: ${path.join(".")}[${i}] is no number`);
  });
}

/** The number at a path, which XGBoost writes as text. */
export function numberAt(value: Json | undefined, path: readonly string[], otherwise?: number): number {
  const number = toNumber(valueAt(value, path)) ?? otherwise;
  if (number !== undefined) return number;
  throw new UnsupportedModelError(`the file is not a whole XGBoost model: ${path.join(".")} is no number`);
}

/** The text at a path. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const text = valueAt(value, path);
  if (typeof text === "string") return text;
  throw new UnsupportedModelError(`the file is not a whole XGBoost model: ${path.join(".")} is missing`);
}

export function valueAt(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (found, key) => (isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined),
    value,
  );
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toNumber(value: Json | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  if (value === "NaN") return Number.NaN;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}
