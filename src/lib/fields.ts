import { z } from "zod";

type Issue = { readonly code?: string | undefined; readonly input?: unknown };

/** The message of a field's schema: one for a field that is left out, another for a wrong value. */
export function requiredMessage(name: string, otherwise: string): (issue: Issue) => string {
  return (issue) => (issue.input === undefined ? `${name} is required` : otherwise);
}

const MOST_REASON = 500;
const reasonError = requiredMessage("reason", `reason must be a text of 1 to ${MOST_REASON} characters`);

/** Why something is done, for those who read its history. */
export const Reason = z
  .string({ error: reasonError })
  // For the document, which knows nothing of trimming.
  .regex(/\S/, { error: reasonError })
  .trim()
  .max(MOST_REASON, { error: reasonError })
  .meta({
    description: "Why, for those who read the history.",
    example: "the new one is off above two carats",
  });

/** An object that refuses unknown keys, with messages that name the keys it knows. */
export function strictObject<const Shape extends z.ZodRawShape>(noun: string, shape: Shape) {
  const keys = Object.keys(shape);
  const known = keys.length > 0 ? `known are ${keys.join(", ")}` : "none is known here";
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? known : `${noun} must be a JSON object`),
  });
}
