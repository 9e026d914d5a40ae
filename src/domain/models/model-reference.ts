import { z } from "zod";
import { createFieldMessage } from "../../lib/input/fields.ts";

/** Lower-case words joined by hyphens. Names of models and aliases are parts of R2 keys and of URLs. */
const NAME = "[a-z][a-z0-9]*(-[a-z0-9]+)*";
const MAX_NAME_LENGTH = 64;
/** `@` and a version number. */
const VERSION = "@[1-9][0-9]{0,8}";
/** Length of the longest name with the longest version. */
export const MAX_VERSION_LENGTH = MAX_NAME_LENGTH + "@123456789".length;

const NAME_PATTERN = new RegExp(`^${NAME}$`);
const VERSION_PATTERN = new RegExp(`^${NAME}${VERSION}$`);
/** A name with or without a version. */
export const SELECTOR_PATTERN = new RegExp(`^${NAME}(${VERSION})?$`);

export const ModelName = z
  .string()
  .max(MAX_NAME_LENGTH, {
    error: createFieldMessage("name", `a name has at most ${MAX_NAME_LENGTH} characters`),
  })
  .regex(NAME_PATTERN, {
    error: createFieldMessage(
      "name",
      "a name must be lower-case words joined by hyphens, such as log-linear",
    ),
  })
  .meta({ description: "Name of a model, such as `log-linear`.", example: "log-linear" });

export const ModelReference = z
  .object({ name: ModelName, version: z.number().int().positive().meta({ example: 1 }) })
  .meta({ id: "ModelReference", description: "One version of one model." });
export type ModelReference = z.infer<typeof ModelReference>;

/** A model reference from two nullable columns; null when either is null. */
export function toModelReference(name: string | null, version: number | null): ModelReference | null {
  return name === null || version === null ? null : { name, version };
}

/** Writes a model reference as text: `log-linear@3`. */
export function formatVersion({ name, version }: ModelReference): string {
  return `${name}@${version}`;
}

/** Reads the text that {@link formatVersion} writes. The caller has checked its form. */
export function parseVersion(text: string): ModelReference {
  const [name = "", version] = text.split("@");
  return { name, version: Number(version) };
}

/** A field that holds a model reference as text. */
export function versionField(field: string) {
  const error = createFieldMessage(
    field,
    `${field} must be a model's name and version, such as log-linear@3`,
  );
  return z
    .string({ error })
    .max(MAX_VERSION_LENGTH, { error })
    .regex(VERSION_PATTERN, { error })
    .transform(parseVersion)
    .meta({ description: "A model's name and version." });
}
