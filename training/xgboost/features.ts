import {
  GRADE_COLUMNS,
  GRADES,
  type GradeColumn,
  type NumberColumn,
  STONE_COLUMNS,
} from "../../src/domain/diamond.ts";
import { DERIVED_FEATURES } from "../models/gradient-boosting.ts";
import { cutText, joinNames, quoteText } from "./document/quote-text.ts";
import { type GradeIndicator, readOneHotName } from "./one-hot.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

export type StoneColumn = (typeof STONE_COLUMNS)[number];

/** A feature of gradient-boosting that is computed from several columns, such as `volume`. */
export type DerivedColumn = keyof typeof DERIVED_FEATURES;

export type FeatureColumn = StoneColumn | DerivedColumn;

/**
 * A feature of the model: a column of numbers, a derived feature, or a grade column with the number of each grade.
 * The number is the code of the grade. In a one-hot feature it is 1 for one grade and 0 for all others.
 */
export type Feature =
  | { readonly column: NumberColumn }
  | { readonly column: DerivedColumn }
  | { readonly column: GradeColumn; readonly codes: ReadonlyMap<string, number>; readonly grade?: string };

/**
 * A column of a stone, a derived feature, or one grade of a grade column: `cut=Ideal` is 1 for Ideal and 0 for other
 * cuts.
 */
export type FeatureMap = Readonly<Record<string, FeatureColumn | `${GradeColumn}=${string}`>>;

/** What a feature is read from. */
export type FeatureSource = { readonly column: FeatureColumn } | GradeIndicator;

/**
 * Finds what each feature is read from: a column, or one grade of a column if the name is that of a one-hot
 * column.
 * @param names the feature names of the model; empty if it has none
 * @throws UnsupportedModelError if a feature is unknown, if two are the same, or if names are missing
 */
export function findFeatureSources(
  names: readonly string[],
  featureCount: number,
  map: FeatureMap,
): FeatureSource[] {
  if (names.length === 0 && Object.keys(map).length === 0) {
    if (featureCount === STONE_COLUMNS.length) return STONE_COLUMNS.map((column) => ({ column }));
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
  checkMap(map, featureNames);
  const sources = featureNames.map((name) =>
    Object.hasOwn(map, name) ? readMapEntry(map[name]!) : readName(name),
  );
  const unknown = featureNames.filter((_, i) => sources[i] === null);
  if (unknown.length > 0) {
    throw new UnsupportedModelError(
      `unknown features ${joinNames(unknown)}: features must be ${STONE_COLUMNS.join(", ")}; ` +
        "use --features to map other names to these columns. Features that are computed from several columns must be " +
        `those of gradient-boosting: ${formatDerivedNames()}`,
    );
  }
  const known = sources as FeatureSource[];
  checkDuplicates(featureNames, known);
  return known;
}

/** Formats what a feature is read from, as a feature map has it: `carat`, or `cut=Ideal`. */
export function formatSource(source: { readonly column: FeatureColumn; readonly grade?: string }): string {
  return source.grade === undefined ? source.column : `${source.column}=${source.grade}`;
}

export function isGradeColumn(column: FeatureColumn): column is GradeColumn {
  return (GRADE_COLUMNS as readonly string[]).includes(column);
}

export function createCategoricalNumberError(column: FeatureColumn): UnsupportedModelError {
  return new UnsupportedModelError(`the model uses ${column} as a category; ${column} must be a number`);
}

/** Creates the feature of one grade: 1 for this grade, 0 for the others. */
export function createIndicatorFeature({ column, grade }: GradeIndicator): Feature {
  return { column, codes: new Map(GRADES[column].map((other) => [other, Number(other === grade)])), grade };
}

function checkMap(map: FeatureMap, featureNames: readonly string[]): void {
  const known = new Set(featureNames);
  const unused = Object.keys(map).filter((name) => !known.has(name));
  if (unused.length > 0) {
    throw new UnsupportedModelError(
      `the model has no feature ${joinNames(unused)}; its features are ${joinNames(featureNames)}`,
    );
  }
  const oneHot = featureNames.filter(
    (name) => Object.hasOwn(map, name) && !map[name]!.includes("=") && readOneHotName(name) !== null,
  );
  if (oneHot.length > 0) {
    const problem =
      oneHot.length === 1
        ? `gives the whole column ${map[oneHot[0]!]} to a one-hot column`
        : "puts several one-hot columns on one column";
    throw new UnsupportedModelError(
      `the feature map ${problem}: ${joinNames(oneHot)}. Each feature must have its own column. ` +
        "One-hot columns are read by themselves, by their names: leave them out of the map",
    );
  }
}

function checkDuplicates(featureNames: readonly string[], sources: readonly FeatureSource[]): void {
  const nameOfSource = new Map<string, string>();
  for (const [i, source] of sources.entries()) {
    const text = formatSource(source);
    const name = featureNames[i]!;
    const other = nameOfSource.get(text);
    if (other !== undefined) {
      throw new UnsupportedModelError(
        `two features are read from one column, ${text}: ${cutText(other)} and ${cutText(name)}. Each must have its ` +
          `own column; a one-hot column has its own grade, as in {${quoteText(name)}: "cut=Ideal"}`,
      );
    }
    nameOfSource.set(text, name);
  }
}

function readName(name: string): FeatureSource | null {
  if (name === "colour") return { column: "color" };
  return isStoneColumn(name) || isDerivedColumn(name) ? { column: name } : readOneHotName(name);
}

function readMapEntry(entry: FeatureMap[string]): FeatureSource {
  const [column, grade] = entry.split("=") as [FeatureColumn, string | undefined];
  return grade === undefined ? { column } : { column: column as GradeColumn, grade };
}

/** Formats the names of the derived features, of which some contain a comma. */
export function formatDerivedNames(): string {
  return Object.keys(DERIVED_FEATURES).map(quoteText).join(", ");
}

export function isDerivedColumn(column: string): column is DerivedColumn {
  return Object.hasOwn(DERIVED_FEATURES, column);
}

function isStoneColumn(name: string): name is StoneColumn {
  return (STONE_COLUMNS as readonly string[]).includes(name);
}
