import {
  GRADE_COLUMNS,
  GRADES,
  type GradeColumn,
  type NumberColumn,
  STONE_COLUMNS,
} from "../../src/domain/diamond.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

export type StoneColumn = (typeof STONE_COLUMNS)[number];

/** A feature of the model: a column of numbers, or a grade column with the code of each grade. */
export type Feature =
  | { readonly column: NumberColumn }
  | { readonly column: GradeColumn; readonly codes: ReadonlyMap<string, number> };

/** The category names of each column. A category's code is its position in the list. */
export type CategoryNames = Readonly<Partial<Record<GradeColumn, readonly string[] | undefined>>>;

/**
 * The categories of a feature that XGBoost 3.1 and later store in the model, in the order of their codes:
 * names, or the numbers that the training data contained instead of names.
 */
export type StoredCategories = { readonly names: readonly string[] } | { readonly codes: readonly number[] };

/** Maps the model's feature names to our columns. */
export type FeatureMap = Readonly<Record<string, StoneColumn>>;

/**
 * Finds the column of each feature.
 * @param names the feature names of the model; empty if it has none
 * @throws UnsupportedModelError if a feature is not a column of a stone, or if names are missing
 */
export function findColumns(names: readonly string[], featureCount: number, map: FeatureMap): StoneColumn[] {
  if (names.length === 0 && Object.keys(map).length === 0) {
    if (featureCount === STONE_COLUMNS.length) return [...STONE_COLUMNS];
    throw new UnsupportedModelError(
      `the model has ${featureCount} features without names; they must be ${STONE_COLUMNS.join(", ")} in this ` +
        "order, or --features must map f0, f1, ... to columns",
    );
  }
  const featureNames = names.length > 0 ? names : Array.from({ length: featureCount }, (_, i) => `f${i}`);
  if (featureNames.length !== featureCount) {
    throw new UnsupportedModelError(
      `the model has ${featureCount} features but ${featureNames.length} feature names`,
    );
  }
  const unused = Object.keys(map).filter((name) => !featureNames.includes(name));
  if (unused.length > 0) {
    throw new UnsupportedModelError(
      `the model has no feature ${unused.join(", ")}; its features are ${featureNames.join(", ")}`,
    );
  }
  const unknown = featureNames.filter((name) => !Object.hasOwn(map, name) && !isStoneColumn(name));
  if (unknown.length > 0) {
    throw new UnsupportedModelError(
      `unknown features ${unknown.join(", ")}: features must be ${STONE_COLUMNS.join(", ")}; ` +
        "use --features to map other names to these columns",
    );
  }
  return featureNames.map((name) => (Object.hasOwn(map, name) ? map[name]! : (name as StoneColumn)));
}

/**
 * Creates the feature of a column. The code of a grade is its position in the category names. The names
 * come from the caller, else from the model file, else from our vocabulary (worst to best).
 * @param stored the categories that the model file stores for this feature, if any
 * @throws UnsupportedModelError if a grade has no code, or if the model uses a number column as a category
 */
export function createFeature(
  column: StoneColumn,
  names: CategoryNames,
  stored: StoredCategories | undefined,
): Feature {
  if (!isGradeColumn(column)) {
    if (stored === undefined) return { column };
    throw createCategoricalNumberError(column);
  }
  const grades = listGradesByCode(names[column], GRADES[column], stored);
  const missing = GRADES[column].filter((grade) => !grades.includes(grade));
  if (missing.length > 0) {
    throw new UnsupportedModelError(
      `the categories of ${column} are ${grades.join(", ")}; ${missing.join(", ")} ` +
        `${missing.length === 1 ? "is" : "are"} missing; use --categories to name all of them`,
    );
  }
  return { column, codes: new Map(GRADES[column].map((grade) => [grade, grades.indexOf(grade)])) };
}

export function createCategoricalNumberError(column: StoneColumn): UnsupportedModelError {
  return new UnsupportedModelError(`the model uses ${column} as a category; ${column} must be a number`);
}

function listGradesByCode(
  names: readonly string[] | undefined,
  vocabulary: readonly string[],
  stored: StoredCategories | undefined,
): readonly string[] {
  if (stored === undefined) return names ?? vocabulary;
  if ("names" in stored) return names ?? stored.names;
  return stored.codes.map((code) => (names ?? vocabulary)[code] ?? `code ${code}`);
}

function isGradeColumn(column: StoneColumn): column is GradeColumn {
  return (GRADE_COLUMNS as readonly string[]).includes(column);
}

function isStoneColumn(name: string): name is StoneColumn {
  return (STONE_COLUMNS as readonly string[]).includes(name);
}
