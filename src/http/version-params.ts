import { z } from "zod";
import { formatVersion, ModelName } from "../domain/model-selector.ts";
import { NotFound } from "./errors.ts";

const error = "version must be a whole number from 1";

/** The path's parameters that name a version. */
export const versionParams = z.object({
  name: ModelName,
  version: z
    .number({ error })
    .int({ error })
    .min(1, { error })
    // As many digits as a selector has.
    .max(999_999_999, { error })
    .meta({ description: "The version, counted from 1.", example: 1 }),
});

export function versionNotFound(model: z.infer<typeof versionParams>): NotFound {
  return new NotFound(
    `There is no version ${formatVersion(model)}. GET /v1/models/${model.name} lists its versions.`,
  );
}
