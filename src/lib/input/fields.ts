import { z } from "zod";
import { findChoice, findNearestChoice, type Synonyms } from "./choices.ts";
import { describeValue, isNumericText } from "./describe-value.ts";

type Issue = {
  readonly code?: string | undefined;
  readonly expected?: unknown;
  readonly input?: unknown;
};

/**
 * Makes the `error` function of a field. A missing field is required. For a wrong value, the message has the
 * rule and what came: `carat must be a number above 0; it is the text "1.1": send 1.1 without quotes`.
 * @param rule which values are right, with the name: `carat must be a number above 0`
 */
export function createFieldMessage(name: string, rule: string): (issue: Issue) => string {
  return ({ code, expected, input }) => {
    if (input === undefined) return `${name} is required`;
    const message = `${rule}; it ${describeValue(input)}`;
    const isQuotedNumber =
      code === "invalid_type" && expected === "number" && typeof input === "string" && isNumericText(input);
    return isQuotedNumber ? `${message}: send ${input.trim()} without quotes` : message;
  };
}

/** A field that may be left out. Null means the same: data frames and many clients send it for a gap. */
export function optionalField<Schema extends z.ZodType>(schema: Schema) {
  return schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();
}

/** A field with one of several texts. Case, spaces, hyphens and underscores do not matter. */
export function choiceField<const Choices extends readonly [string, ...string[]]>(
  name: string,
  choices: Choices,
  synonyms?: Synonyms<Choices[number]>,
) {
  const createMessage = createFieldMessage(name, `${name} must be one of ${choices.join(", ")}`);
  return z.preprocess(
    (value) => (typeof value === "string" ? (findChoice(choices, value, synonyms) ?? value) : value),
    z.enum(choices, {
      error: (issue) => {
        const nearest = typeof issue.input === "string" && findNearestChoice(choices, issue.input);
        return nearest ? `${createMessage(issue)}: did you mean ${nearest}?` : createMessage(issue);
      },
    }),
  );
}

const MAX_REASON_LENGTH = 500;
const createReasonMessage = createFieldMessage(
  "reason",
  `reason must be a text of 1 to ${MAX_REASON_LENGTH} characters`,
);

/**
 * A text with the reason for a change. It is kept in the history.
 * @param hint how to send it, for the message if it is missing
 */
function createReasonField(hint = "") {
  const error = (issue: Issue) => createReasonMessage(issue) + (issue.input === undefined ? hint : "");
  return (
    z
      .string({ error })
      // JSON Schema has no trimming. The pattern tells its readers that a blank text is not allowed.
      .regex(/\S/, { error })
      .trim()
      .max(MAX_REASON_LENGTH, { error })
      .meta({
        description: "The reason for the change. It is kept in the history.",
        example: "the new version prices stones above 2 carats too low",
      })
  );
}

/** For a body. */
export const Reason = createReasonField();
/** For DELETE: many clients and proxies drop its body. */
export const ReasonParameter = createReasonField(": send it as a parameter, ?reason=...");

/** The number of unknown keys that get a message of their own. A body can have many thousands. */
export const MAX_UNKNOWN_KEYS = 100;

/**
 * An object schema that rejects unknown keys. The message of the issue has one line for each of the first
 * {@link MAX_UNKNOWN_KEYS} keys: the known key that was probably meant, or all known keys.
 * @param noun the object with its article, for the message if the value is not an object: `a stone`
 */
export function strictObject<const Shape extends z.ZodRawShape>(noun: string, shape: Shape) {
  const knownKeys = Object.keys(shape);
  const createMessage = createFieldMessage(noun, `${noun} must be a JSON object`);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys
            .slice(0, MAX_UNKNOWN_KEYS)
            .map((key) => suggestKey(key, knownKeys))
            .join("\n")
        : createMessage(issue),
  });
}

function suggestKey(key: string, knownKeys: readonly string[]): string {
  const nearest = findChoice(knownKeys, key) ?? findNearestChoice(knownKeys, key);
  return nearest === undefined ? `the known fields are ${knownKeys.join(", ")}` : `did you mean ${nearest}?`;
}
