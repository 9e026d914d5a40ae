import { z } from "zod";
import { STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { UnsupportedModelError } from "./error.ts";
import type { CategoryNames, FeatureMap } from "./features.ts";

const names = z.array(z.string()).min(1);
const CategoryNamesFile = z.strictObject({
  cut: names.optional(),
  color: names.optional(),
  clarity: names.optional(),
});
const FeatureMapFile = z.record(z.string(), z.enum(STONE_COLUMNS));

/**
 * Reads a mapping file: `{"cut": ["Fair", "Good", ...], ...}`, the names in the order of their codes.
 * @throws UnsupportedModelError naming the entry that is wrong
 */
export function parseCategoryNames(json: string): CategoryNames {
  return parse("the mapping file", CategoryNamesFile, json);
}

/**
 * Reads a feature map: `{"weight": "carat", ...}`, the model's names to ours.
 * @throws UnsupportedModelError naming the entry that is wrong
 */
export function parseFeatureMap(json: string): FeatureMap {
  return parse("the feature map", FeatureMapFile, json);
}

function parse<T>(file: string, schema: z.ZodType<T>, json: string): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new UnsupportedModelError(`${file} is no JSON: ${(cause as Error).message}`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UnsupportedModelError(
    `${file} is wrong at ${issue?.path.join(".") || "its top"}: ${issue?.message}`,
  );
}
