import { z } from "zod";

const MOST_STONES = 1000;
const lengthError = `diamonds must be a list of 1 to ${MOST_STONES} stones`;

/**
 * The stones of a request. The length is checked before the stones are: a body of many thousand wrong
 * stones costs no more than one.
 */
export function stoneList<Stone extends z.ZodType>(stone: Stone, description: string) {
  return z.preprocess(
    (value, context) => {
      if (!Array.isArray(value) || (value.length >= 1 && value.length <= MOST_STONES)) return value;
      context.addIssue({ code: "custom", message: `${lengthError}; there are ${value.length}` });
      return z.NEVER;
    },
    z.array(stone, { error: lengthError }).min(1).max(MOST_STONES).meta({ description }),
  );
}
