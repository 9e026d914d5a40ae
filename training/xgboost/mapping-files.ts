import { z } from "zod";
import { STONE_COLUMNS } from "../../src/domain/diamond.ts";
import type { CategoryNames, FeatureMap } from "./features.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

const Names = z.array(z.string()).min(1);
const CategoryNamesFile = z.strictObject({
  cut: Names.optional(),
  color: Names.optional(),
  clarity: Names.optional(),
});
const FeatureMapFile = z.record(z.string(), z.enum(STONE_COLUMNS));

/**
 * Parses a categories file: `{"cut": ["Fair", "Good", ...], ...}`, the names in the order of their codes.
 * @throws UnsupportedModelError with the invalid field
 */
export function parseCategoryNames(json: string): CategoryNames {
  return parseMappingFile("the categories file", CategoryNamesFile, json);
}

/**
 * Parses a feature map: `{"weight": "carat", ...}`. It maps the model's feature names to our columns.
 * @throws UnsupportedModelError with the invalid field
 */
export function parseFeatureMap(json: string): FeatureMap {
  return parseMappingFile("the feature map", FeatureMapFile, json);
}

function parseMappingFile<T>(file: string, schema: z.ZodType<T>, json: string): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new UnsupportedModelError(`${file} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".");
  throw new UnsupportedModelError(`${file} is invalid${field ? ` at ${field}` : ""}: ${issue?.message}`);
}
