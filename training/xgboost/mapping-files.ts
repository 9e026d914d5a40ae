import { z } from "zod";
import { GRADE_COLUMNS, GRADES, type GradeColumn, STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { DERIVED_FEATURES } from "../models/gradient-boosting.ts";
import type { CategoryNames } from "./category-codes.ts";
import { cutText } from "./document/quote-text.ts";
import { type DerivedColumn, type FeatureMap, formatDerivedNames } from "./features.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

/** A message of the schema may quote keys of the file. */
const MAX_MESSAGE_LENGTH = 300;

const Names = z.array(z.string()).min(1);
const Codes = z.record(z.string(), z.number(), {
  error: 'must be a list of names in the order of their codes from 0, or an object such as {"Fair": 1, ...}',
});
const INDICATORS = GRADE_COLUMNS.flatMap((column) =>
  GRADES[column].map((grade) => `${column}=${grade}` as const),
);
const DERIVED_COLUMNS = Object.keys(DERIVED_FEATURES) as readonly DerivedColumn[];
const FeatureMapFile = z.record(
  z.string(),
  z.enum([...STONE_COLUMNS, ...DERIVED_COLUMNS, ...INDICATORS], {
    error: `must be one of ${STONE_COLUMNS.join(", ")}, one of ${formatDerivedNames()}, or for a one-hot column its grade, as in "cut=Ideal"`,
  }),
);

/**
 * Parses a categories file: `{"cut": ["Fair", "Good", ...], ...}`, the names in the order of their codes from
 * 0, or `{"cut": {"Fair": 1, "Good": 2, ...}, ...}`, the code of each name.
 * @throws UnsupportedModelError with the invalid field
 */
export function parseCategoryNames(json: string): CategoryNames {
  return parseMappingFile(
    "the categories file",
    `the columns are ${GRADE_COLUMNS.join(", ")}`,
    chooseCategorySchema,
    json,
  );
}

/** A column has a list or an object. A union of both would not say which entry is wrong. */
function chooseCategorySchema(value: unknown) {
  const choose = (column: GradeColumn) =>
    (Array.isArray((value as CategoryNames | null)?.[column]) ? Names : Codes).optional();
  return z.strictObject({ cut: choose("cut"), color: choose("color"), clarity: choose("clarity") });
}

/**
 * Parses a feature map: `{"weight": "carat", ...}`. It maps the model's feature names to our columns, or to
 * one grade: `{"is_ideal": "cut=Ideal"}`.
 * @throws UnsupportedModelError with the invalid field
 */
export function parseFeatureMap(json: string): FeatureMap {
  return parseMappingFile("the feature map", "it must be an object", () => FeatureMapFile, json);
}

function parseMappingFile<T>(
  file: string,
  hint: string,
  chooseSchema: (value: unknown) => z.ZodType<T>,
  json: string,
): T {
  let value: unknown;
  try {
    value = JSON.parse(json.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new UnsupportedModelError(`${file} is not valid JSON: ${cutText((cause as Error).message)}`, {
      cause,
    });
  }
  const result = chooseSchema(value).safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = cutText(issue?.path.join(".") ?? "");
  throw new UnsupportedModelError(
    `${file} is invalid${field ? ` at ${field}` : ""}: ${issue?.message.slice(0, MAX_MESSAGE_LENGTH)}; ${hint}`,
  );
}
