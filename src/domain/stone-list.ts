import { z } from "zod";
import { createFieldMessage } from "../lib/input/fields.ts";

const MAX_STONES = 1000;
const lengthRule = `diamonds must be a list of 1 to ${MAX_STONES} stones`;

/** Whether a body holds the fields of one stone where a list of stones is expected. */
export function isSingleStone(body: unknown): boolean {
  const { carat, diamonds } = Object(body) as Record<string, unknown>;
  return carat !== undefined && diamonds === undefined;
}

/**
 * A field with a list of stones. The length is checked before the stones, because the validation of a list of
 * many thousand wrong stones would take too much CPU time.
 */
export function stoneListField<Stone extends z.ZodType>(stone: Stone, description: string) {
  return z.preprocess(
    (value, context) => {
      if (!Array.isArray(value) || (value.length >= 1 && value.length <= MAX_STONES)) return value;
      context.addIssue({ code: "custom", message: `${lengthRule}; it has ${value.length}` });
      return z.NEVER;
    },
    z
      .array(stone, { error: createFieldMessage("diamonds", lengthRule) })
      .min(1)
      .max(MAX_STONES)
      .meta({ description }),
  );
}
