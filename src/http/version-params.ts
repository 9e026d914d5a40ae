import { z } from "zod";
import { formatVersion, ModelName } from "../domain/models/model-reference.ts";
import { createFieldMessage } from "../lib/input/fields.ts";
import { NotFound } from "./errors.ts";
import { numberParameter } from "./parameters.ts";

const error = createFieldMessage("version", "version must be a whole number from 1");

/** The path parameters of a model version. */
export const versionParams = z.object({
  name: ModelName,
  version: numberParameter(
    z
      .number({ error })
      .int({ error })
      .min(1, { error })
      // A selector such as log-linear@3 also allows nine digits.
      .max(999_999_999, { error }),
  ).meta({ description: "Version number, counted from 1.", example: 1 }),
});

export function createVersionNotFound(model: z.infer<typeof versionParams>): NotFound {
  return new NotFound(
    `There is no version ${formatVersion(model)}. GET /v1/models/${model.name} lists all versions.`,
  );
}
