import type { z } from "zod";
import { MAX_UNKNOWN_KEYS } from "../lib/input/fields.ts";
import { truncate } from "../lib/truncate.ts";
import { type FieldError, MAX_FIELD_ERRORS, ValidationFailed } from "./errors.ts";

const MAX_SUMMARIZED_ERRORS = 3;

/** The first errors of an input, at most {@link MAX_FIELD_ERRORS}, and the number of the others. */
export interface FieldErrors {
  readonly errors: FieldError[];
  readonly moreErrors: number;
}

/** Converts Zod's issues to errors. Each unknown key becomes an error of its own. */
export function toFieldErrors(issues: readonly z.core.$ZodIssue[]): FieldErrors {
  const errors: FieldError[] = [];
  let total = 0;
  for (const issue of issues) {
    const free = MAX_FIELD_ERRORS - errors.length;
    if (issue.code === "unrecognized_keys") {
      total += issue.keys.length;
      // The message has one line per key, see `strictObject`.
      const messages = issue.message.split("\n");
      for (const [i, key] of issue.keys.slice(0, Math.min(free, MAX_UNKNOWN_KEYS)).entries())
        errors.push({
          path: formatPath([...issue.path, key]),
          message: `${truncate(key)} is not a known field: ${messages[i]}`,
        });
    } else {
      total += 1;
      if (free > 0) errors.push({ path: formatPath(issue.path), message: issue.message });
    }
  }
  return { errors, moreErrors: total - errors.length };
}

function formatPath(path: readonly PropertyKey[]): string {
  return truncate(path.map(String).join("."));
}

/**
 * Makes the problem for an invalid input.
 * @param listed errors that no schema found; they come first
 * @param stoneCount number of stones in the input; undefined if it is not a list of stones
 */
export function createValidationFailed(
  issues: readonly z.core.$ZodIssue[],
  listed: readonly FieldError[] = [],
  stoneCount?: number,
): ValidationFailed {
  const found = toFieldErrors(issues);
  const errors = [...listed, ...found.errors];
  const total = errors.length + found.moreErrors;
  const summary = summarizeErrors(errors, total);
  const invalidStones = new Set(issues.flatMap(({ path }) => (path.length >= 2 ? [path[1]] : []))).size;
  const detail =
    stoneCount === undefined || invalidStones === 0
      ? summary
      : `${invalidStones} of the ${stoneCount} stones ${invalidStones === 1 ? "is" : "are"} invalid: ${summary}`;
  return new ValidationFailed(detail, { errors, moreErrors: found.moreErrors });
}

/** Joins the first errors into one sentence, each with the path of the object that has the field. */
function summarizeErrors(errors: readonly FieldError[], total: number): string {
  const first = errors.slice(0, MAX_SUMMARIZED_ERRORS).map(({ path, message }) => {
    const parent = path.split(".").slice(0, -1).join(".");
    return parent === "" ? message : `${parent}: ${message}`;
  });
  const rest = total - first.length;
  return `${first.join("; ")}${rest > 0 ? `; and ${rest} more` : ""}`;
}
