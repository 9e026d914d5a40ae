import { z } from "zod";

type Issue = { readonly code?: string | undefined; readonly input?: unknown };

/** Makes the `error` function of a field: one message for a missing field, another for a wrong value. */
export function createFieldMessage(name: string, wrongValueMessage: string): (issue: Issue) => string {
  return (issue) => (issue.input === undefined ? `${name} is required` : wrongValueMessage);
}

const MAX_REASON_LENGTH = 500;
const reasonError = createFieldMessage(
  "reason",
  `reason must be a text of 1 to ${MAX_REASON_LENGTH} characters`,
);

/** A field with the reason for a change. It is kept in the history. */
export const Reason = z
  .string({ error: reasonError })
  // JSON Schema has no trimming. The pattern tells its readers that a blank text is not allowed.
  .regex(/\S/, { error: reasonError })
  .trim()
  .max(MAX_REASON_LENGTH, { error: reasonError })
  .meta({
    description: "The reason for the change. It is kept in the history.",
    example: "the new version prices stones above 2 carats too low",
  });

/**
 * An object schema that rejects unknown keys with a message that lists the known ones.
 * @param noun the object with its article, for the message if the value is not an object: `a stone`
 */
export function strictObject<const Shape extends z.ZodRawShape>(noun: string, shape: Shape) {
  const keys = Object.keys(shape);
  const unknownKey =
    keys.length > 0 ? `the known fields are ${keys.join(", ")}` : "no fields are allowed here";
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? unknownKey : `${noun} must be a JSON object`),
  });
}
