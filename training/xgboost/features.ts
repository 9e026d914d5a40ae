import {
  GRADE_COLUMNS,
  GRADES,
  type GradeColumn,
  type NumberColumn,
  STONE_COLUMNS,
} from "../../src/domain/diamond.ts";
import { UnsupportedModelError } from "./error.ts";

export type StoneColumn = (typeof STONE_COLUMNS)[number];

/** How a column becomes one of the model's features. */
export type Feature =
  | { readonly column: NumberColumn }
  /** Each grade's code. */
  | { readonly column: GradeColumn; readonly codes: ReadonlyMap<string, number> };

/** The names behind category codes, by column: the code is the place in the list. */
export type CategoryNames = Readonly<Partial<Record<GradeColumn, readonly string[] | undefined>>>;

/** What XGBoost 3.1 and later keeps of a categorical feature, in the order of its codes: names, or the
 * numbers that the training data had in their place. */
export type KeptCategories = { readonly names: readonly string[] } | { readonly codes: readonly number[] };

/** Our column of each of the model's features, by the model's name for it. */
export type FeatureMap = Readonly<Record<string, StoneColumn>>;

/**
 * Finds the column of each feature.
 * @param names the model's names of its features; empty where it has none
 * @throws UnsupportedModelError where a feature is none of ours, or names are missing
 */
export function columnsOf(names: readonly string[], count: number, map: FeatureMap): StoneColumn[] {
  if (names.length === 0 && Object.keys(map).length === 0) {
    if (count === STONE_COLUMNS.length) return [...STONE_COLUMNS];
    throw new UnsupportedModelError(
      `the model has ${count} features without names; without names they must be ${STONE_COLUMNS.join(", ")}, ` +
        "or a feature map must name f0, f1, ...",
    );
  }
  const known = names.length > 0 ? names : Array.from({ length: count }, (_, i) => `f${i}`);
  if (known.length !== count) {
    throw new UnsupportedModelError(`the model has ${count} features and ${known.length} names for them`);
  }
  const unused = Object.keys(map).filter((name) => !known.includes(name));
  if (unused.length > 0) {
    throw new UnsupportedModelError(
      `the model has no feature ${unused.join(", ")}: it has ${known.join(", ")}`,
    );
  }
  const unknown = known.filter((name) => !Object.hasOwn(map, name) && !isColumn(name));
  if (unknown.length > 0) {
    throw new UnsupportedModelError(
      `the model's features ${unknown.join(", ")} are none of ${STONE_COLUMNS.join(", ")}; a feature map says which are meant`,
    );
  }
  return known.map((name) => (Object.hasOwn(map, name) ? map[name]! : (name as StoneColumn)));
}

/**
 * How to encode a column. A grade's code is its place among the names: those of the caller's mapping, else
 * those that the model keeps, else the vocabulary, worst to best.
 * @param kept the categories that the model keeps for this feature, if any
 * @throws UnsupportedModelError where a grade has no code, or a number column is a category to the model
 */
export function encode(column: StoneColumn, names: CategoryNames, kept: KeptCategories | undefined): Feature {
  if (!isGradeColumn(column)) {
    if (kept === undefined) return { column };
    throw new UnsupportedModelError(`the model takes ${column} as a category; here it is a number`);
  }
  const grades = gradesByCode(names[column], GRADES[column], kept);
  const missing = GRADES[column].filter((grade) => !grades.includes(grade));
  if (missing.length > 0) {
    throw new UnsupportedModelError(
      `the categories of ${column} lack ${missing.join(", ")}: they are ${grades.join(", ")}; a mapping file says otherwise`,
    );
  }
  return { column, codes: new Map(GRADES[column].map((grade) => [grade, grades.indexOf(grade)])) };
}

function gradesByCode(
  listed: readonly string[] | undefined,
  vocabulary: readonly string[],
  kept: KeptCategories | undefined,
): readonly string[] {
  if (kept === undefined) return listed ?? vocabulary;
  if ("names" in kept) return listed ?? kept.names;
  return kept.codes.map((code) => (listed ?? vocabulary)[code] ?? `code ${code}`);
}

function isGradeColumn(column: StoneColumn): column is GradeColumn {
  return (GRADE_COLUMNS as readonly string[]).includes(column);
}

function isColumn(name: string): name is StoneColumn {
  return (STONE_COLUMNS as readonly string[]).includes(name);
}
