import { z } from "zod";
import { STONE_COLUMNS } from "../diamond.ts";

/** The kinds of warnings. Programs may rely on them; a new kind is a new code. */
export const WARNING_CODES = {
  "weight-against-size": "The length, width or depth in mm does not fit the weight.",
  "weight-against-volume": "The volume x y z does not fit the weight.",
  "length-against-width": "The length does not fit the width.",
  "depth-against-size": "The depth in percent does not fit x, y and z.",
  "outside-training-range": "A value is outside the range that the model was trained on.",
  "unseen-grade": "The model was trained on no stones, or hardly any, with this grade.",
  "previous-version": "An earlier version of the model answered, because the current one cannot be loaded.",
  "registry-unavailable":
    "The registry does not answer, so its last copy was used. A later move of an alias may not be seen yet.",
  "no-explanation": "The reasons could not be computed.",
  "no-comparables": "The comparable stones could not be read.",
  quarantined: "The stones are not used for training until an operator accepts them.",
} as const;
export type WarningCode = keyof typeof WARNING_CODES;

const codes = Object.keys(WARNING_CODES) as [WarningCode, ...WarningCode[]];

/** A reason not to rely on an answer. */
export const Warning = z
  .object({
    code: z.enum(codes).meta({
      description: `The kind of the warning. ${codes.map((code) => `\`${code}\`: ${WARNING_CODES[code]}`).join(" ")}`,
      example: "weight-against-size",
    }),
    message: z.string().meta({
      description: "What does not fit, by how much, and what would fit.",
      example: "x 3.8 mm is 42 % less than stones of 1.1 carat have (6.5 to 6.8): check the measurements",
    }),
    fields: z.array(z.enum(STONE_COLUMNS)).meta({
      description: "The fields of the stone that the warning is about.",
      example: ["carat", "x"],
    }),
  })
  .meta({ id: "Warning", description: "A reason not to rely on an answer." });
export type Warning = z.infer<typeof Warning>;
