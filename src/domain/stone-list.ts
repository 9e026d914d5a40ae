import { z } from "zod";

const MAX_STONES = 1000;
const lengthError = `diamonds must be a list of 1 to ${MAX_STONES} stones`;

/**
 * A field with a list of stones. The length is checked before the stones, because the validation of a list of
 * many thousand wrong stones would take too much CPU time.
 */
export function stoneListField<Stone extends z.ZodType>(stone: Stone, description: string) {
  return z.preprocess(
    (value, context) => {
      if (!Array.isArray(value) || (value.length >= 1 && value.length <= MAX_STONES)) return value;
      context.addIssue({ code: "custom", message: `${lengthError}, not ${value.length}` });
      return z.NEVER;
    },
    z.array(stone, { error: lengthError }).min(1).max(MAX_STONES).meta({ description }),
  );
}
