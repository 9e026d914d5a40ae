import { z } from "zod";
import { requiredMessage } from "../lib/fields.ts";

/** The alias that answers when a caller names no model. */
export const CHAMPION = "champion";
/** The alias that prices a share of the champion's stones in its shadow, unseen by the callers. */
export const CHALLENGER = "challenger";

/** Names of models and aliases: lower-case words joined by hyphens. They end up in R2 keys and URLs. */
export const NAME_PATTERN = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

export const ModelName = z
  .string()
  .max(64, { error: "a name has at most 64 characters" })
  .regex(NAME_PATTERN, { error: "a name is lower-case words joined by hyphens, such as log-linear" })
  .meta({ description: "Name of a model, such as `log-linear`.", example: "log-linear" });

/** What a caller may ask for: an alias or a model's newest version by name, or one version. */
export type Selector =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "version"; readonly name: string; readonly version: number };

const selectorError =
  "model must be an alias (champion), a model's name (log-linear) or a name and version (log-linear@3)";

/** The `model` parameter: `champion`, `log-linear` or `log-linear@3`. */
export const ModelSelector = z
  .string({ error: selectorError })
  .max(75, { error: selectorError })
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*(@[1-9][0-9]{0,8})?$/, { error: selectorError })
  .default(CHAMPION)
  .meta({
    description:
      "Which model answers: an alias (`champion`), a model by name (its newest version) or one version (`log-linear@3`).",
    example: "champion",
  });

/** One version of a model, as people write it: `log-linear@3`. */
export function versionField(field: string) {
  const error = requiredMessage(field, `${field} must be a model's name and version, such as log-linear@3`);
  return z
    .string({ error })
    .max(75, { error })
    .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*@[1-9][0-9]{0,8}$/, { error })
    .transform((text) => {
      const [name = "", version] = text.split("@");
      return { name, version: Number(version) };
    })
    .meta({ description: "A model's name and version.", example: "log-linear@3" });
}

/** Reads a selector that {@link ModelSelector} has accepted. */
export function parseSelector(text: string): Selector {
  const [name = "", version] = text.split("@");
  return version === undefined ? { kind: "name", name } : { kind: "version", name, version: Number(version) };
}

/** A model version as people write it: `log-linear@3`. */
export function formatVersion(model: { name: string; version: number }): string {
  return `${model.name}@${model.version}`;
}
