import type { z } from "zod";
import { truncate } from "../lib/truncate.ts";
import type { FieldError } from "./errors.ts";

/** The greatest number of errors in a problem. A list of 1,000 stones can have many thousands. */
export const MAX_FIELD_ERRORS = 100;
const MAX_SUMMARIZED_ERRORS = 3;

/** Converts Zod's issues to the errors of a problem. Each unknown key becomes an error of its own. */
export function toFieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const issue of issues) {
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
    for (const key of keys) {
      if (errors.length === MAX_FIELD_ERRORS) return errors;
      const path = [...issue.path, ...(key === undefined ? [] : [key])].map(String).join(".");
      errors.push({
        path: truncate(path),
        message:
          key === undefined ? issue.message : `${truncate(key)} is not a known field: ${issue.message}`,
      });
    }
  }
  return errors;
}

/** Joins the first errors into one sentence, each with the path of the object that has the field. */
export function summarizeErrors(errors: readonly FieldError[]): string {
  const first = errors.slice(0, MAX_SUMMARIZED_ERRORS).map(({ path, message }) => {
    const parent = path.split(".").slice(0, -1).join(".");
    return parent === "" ? message : `${parent}: ${message}`;
  });
  const rest = errors.length - first.length;
  return `${first.join("; ")}${rest > 0 ? `; and ${rest} more` : ""}`;
}
