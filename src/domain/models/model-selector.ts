import { z } from "zod";
import { createFieldMessage } from "../../lib/input/fields.ts";
import { MAX_VERSION_LENGTH, parseVersion, SELECTOR_PATTERN } from "./model-reference.ts";

/** The alias that is used when a caller names no model. */
export const CHAMPION = "champion";
/** The alias for shadow predictions. This model prices some of the champion's stones, for the log only. */
export const CHALLENGER = "challenger";

/** What a caller names: an alias or a model (kind `name`), or one version of a model. */
export type Selector =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "version"; readonly name: string; readonly version: number };

const selectorError = createFieldMessage(
  "model",
  "model must be an alias (champion), a model's name (log-linear) or a name and version (log-linear@3)",
);

/** The `model` parameter: `champion`, `log-linear` or `log-linear@3`. */
export const ModelSelector = z
  .string({ error: selectorError })
  .max(MAX_VERSION_LENGTH, { error: selectorError })
  .regex(SELECTOR_PATTERN, { error: selectorError })
  .default(CHAMPION)
  .meta({
    description:
      "The model that prices the stones: an alias (`champion`), a model by name (its newest version) or one version (`log-linear@3`).",
  });

/** Reads a text that {@link ModelSelector} has accepted. */
export function parseSelector(text: string): Selector {
  return text.includes("@") ? { kind: "version", ...parseVersion(text) } : { kind: "name", name: text };
}
