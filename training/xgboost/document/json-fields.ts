import type { JsonValue } from "../ubjson.ts";
import { UnsupportedModelError } from "../unsupported-model-error.ts";

export type JsonObject = { readonly [key: string]: JsonValue };

/**
 * Returns the object at a path of keys.
 * @throws UnsupportedModelError if there is no object
 */
export function readObject(value: JsonValue | undefined, path: readonly string[]): JsonObject {
  const found = findValue(value, path);
  if (isObject(found)) return found;
  throw createInvalidFieldError(path, "must be an object");
}

/**
 * Returns the list at a path, or the default if the path does not exist.
 * @throws UnsupportedModelError if there is neither a list nor a default
 */
export function readList(
  value: JsonValue | undefined,
  path: readonly string[],
  defaultValue?: readonly JsonValue[],
): readonly JsonValue[] {
  const found = findValue(value, path) ?? defaultValue;
  if (Array.isArray(found)) return found;
  throw createInvalidFieldError(path, "must be a list");
}

/**
 * Returns the list of numbers at a path. XGBoost may write NaN and infinities as strings.
 * @throws UnsupportedModelError if there is neither such a list nor a default
 */
export function readNumbers(
  value: JsonValue | undefined,
  path: readonly string[],
  defaultValue?: readonly number[],
): readonly number[] {
  return readList(value, path, defaultValue).map((entry, i) => {
    const number = typeof entry === "boolean" ? Number(entry) : toNumber(entry);
    if (number !== undefined) return number;
    throw createInvalidFieldError([...path.slice(0, -1), `${path.at(-1)}[${i}]`], "must be a number");
  });
}

/**
 * Returns the number at a path. XGBoost writes parameters as strings.
 * @throws UnsupportedModelError if there is neither a number nor a default
 */
export function readNumber(
  value: JsonValue | undefined,
  path: readonly string[],
  defaultValue?: number,
): number {
  const number = toNumber(findValue(value, path)) ?? defaultValue;
  if (number !== undefined) return number;
  throw createInvalidFieldError(path, "must be a number");
}

/**
 * Returns the string at a path.
 * @throws UnsupportedModelError if there is none
 */
export function readText(value: JsonValue | undefined, path: readonly string[]): string {
  const text = findValue(value, path);
  if (typeof text === "string") return text;
  throw createInvalidFieldError(path, "must be a string");
}

/**
 * Returns the list of strings at a path; an empty list if the path does not exist.
 * @throws UnsupportedModelError if there is another value
 */
export function readTexts(value: JsonValue | undefined, path: readonly string[]): readonly string[] {
  return readList(value, path, []).map((entry, i) => {
    if (typeof entry === "string") return entry;
    throw createInvalidFieldError([...path.slice(0, -1), `${path.at(-1)}[${i}]`], "must be a string");
  });
}

/** Returns the value at a path of keys; undefined if a key is missing. */
export function findValue(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (found, key) => (isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined),
    value,
  );
}

function createInvalidFieldError(path: readonly string[], rule: string): UnsupportedModelError {
  return new UnsupportedModelError(`the file is not a valid XGBoost model: ${path.join(".")} ${rule}`);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toNumber(value: JsonValue | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  if (value === "NaN") return Number.NaN;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}
