import leven from "leven";
import { z } from "zod";
import { findChoice } from "../lib/input/choices.ts";
import { isNumericText } from "../lib/input/describe-value.ts";
import { truncate } from "../lib/truncate.ts";
import type { FieldError } from "./errors.ts";

/** A number in a path or a query, which hold text. Text that is no number stays as it is, for the message. */
export function numberParameter<Schema extends z.ZodType>(schema: Schema) {
  const parsed = z.preprocess(
    (value) => (typeof value === "string" && isNumericText(value) ? Number(value) : value),
    schema,
  );
  return parsed.meta(schema.meta() ?? {});
}

/** Shorter names are near to many others. */
const MIN_MISSPELT_LENGTH = 4;
const MAX_MISSPELT_LENGTH = 40;

/**
 * Reads the parameters of a query. Unknown parameters are ignored, because tools add their own, such as `_`
 * to avoid a cache. A misspelling of a known parameter is an error: without it, the answer would be one to
 * another question.
 */
export function readQuery(
  url: string,
  { shape }: z.ZodObject,
): { values: Record<string, string>; errors: FieldError[] } {
  const values: Record<string, string> = {};
  const errors: FieldError[] = [];
  if (!url.includes("?")) return { values, errors };
  const parameters = new URL(url).searchParams;
  const knownNames = Object.keys(shape);
  for (const name of new Set(parameters.keys())) {
    const [value = "", ...others] = parameters.getAll(name);
    if (!knownNames.includes(name)) {
      const meant = findMisspelt(name, knownNames);
      if (meant !== undefined)
        errors.push({
          path: truncate(name),
          message: `${truncate(name)} is not a known parameter: did you mean ${meant}?`,
        });
      continue;
    }
    values[name] = value;
    if (others.length > 0) {
      const times = others.length === 1 ? "twice" : `${others.length + 1} times`;
      errors.push({ path: name, message: `${name} was given ${times}: send it once` });
    }
  }
  return { values, errors };
}

/** The known name that differs only in case or separators, in one letter, or in the order of the letters. */
function findMisspelt(name: string, knownNames: readonly string[]): string | undefined {
  if (name.length > MAX_MISSPELT_LENGTH) return undefined;
  const letters = sortLetters(name);
  return (
    findChoice(knownNames, name) ??
    knownNames
      .filter((known) => Math.min(known.length, name.length) >= MIN_MISSPELT_LENGTH)
      .find((known) => leven(name, known) <= 1 || sortLetters(known) === letters)
  );
}

function sortLetters(text: string): string {
  return [...text].sort().join("");
}
