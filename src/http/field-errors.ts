import type { z } from "zod";
import type { FieldError } from "./errors.ts";

/** Enough to see what is wrong; a list of a thousand stones can have many thousand errors. */
const MOST_ERRORS = 100;
const MOST_SUMMARISED = 3;

/** What Zod found, in the API's shape: an unknown key is an error of its own. */
export function toFieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const issue of issues) {
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
    for (const key of keys) {
      if (errors.length === MOST_ERRORS) return errors;
      const path = [...issue.path, ...(key === undefined ? [] : [key])].map(String).join(".");
      errors.push({
        path: shorten(path),
        message: key === undefined ? issue.message : `${shorten(key)} is not a known field: ${issue.message}`,
      });
    }
  }
  return errors;
}

/** The errors as a sentence. */
export function summarizeErrors(errors: readonly FieldError[]): string {
  const first = errors.slice(0, MOST_SUMMARISED).map(({ path, message }) => {
    const place = path.split(".").slice(0, -1).join(".");
    return place === "" ? message : `${place}: ${message}`;
  });
  const rest = errors.length - first.length;
  return `${first.join("; ")}${rest > 0 ? `; and ${rest} more` : ""}`;
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
